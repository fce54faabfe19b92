// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { MenuPad } from "../controls/menu_pad.js";

/**
 * @param {number[]} down
 * @param {number[]} [axes]
 */
const pad = (down, axes = [0, 0]) => ({ buttons: Array.from({ length: 17 }, (_, index) => ({ pressed: down.includes(index) })), axes });

test("a press counts once, however long it lasts", () => {
  const menu = new MenuPad();
  assert.deepEqual(menu.read(pad([0]), 0), ["press"]);
  assert.deepEqual(menu.read(pad([0]), 16), []);
  assert.deepEqual(menu.read(pad([]), 32), []);
  assert.deepEqual(menu.read(pad([0, 1]), 48), ["press", "leave"]);
});

test("the Start that paused the world does not resume it, and the next one does", () => {
  const menu = new MenuPad();
  menu.begin(pad([9]));
  assert.deepEqual(menu.read(pad([9]), 0), []);
  assert.deepEqual(menu.read(pad([]), 16), []);
  assert.deepEqual(menu.read(pad([9]), 32), ["resume"]);
});

test("a direction that is held moves once, and after a while goes on", () => {
  const menu = new MenuPad();
  assert.deepEqual(menu.read(pad([13]), 0), ["on"]);
  assert.deepEqual(menu.read(pad([13]), 400), []);
  assert.deepEqual(menu.read(pad([13]), 460), ["on"]);
  assert.deepEqual(menu.read(pad([13]), 500), []);
  assert.deepEqual(menu.read(pad([13]), 600), ["on"]);
});

test("the stick moves like the cross, beyond its middle", () => {
  const menu = new MenuPad();
  assert.deepEqual(menu.read(pad([], [0.3, 0]), 0), []);
  assert.deepEqual(menu.read(pad([], [0, -0.9]), 16), ["back"]);
  assert.deepEqual(menu.read(pad([], [0.9, 0]), 32), ["on"]);
});

test("a stick that was held while the world was left moves nothing before it is let go", () => {
  const menu = new MenuPad();
  menu.begin(pad([], [0, -1]));
  assert.deepEqual(menu.read(pad([], [0, -1]), 5000), []);
  assert.deepEqual(menu.read(pad([], [0, 0]), 5016), []);
  assert.deepEqual(menu.read(pad([], [0, -1]), 5032), ["back"]);
});
