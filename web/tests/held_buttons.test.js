// @ts-check
// Held buttons: nothing that was pressed is lost, and nothing sticks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { HeldButtons } from "../controls/held_buttons.js";

test("held buttons are in every control until they are released", () => {
  const buttons = new HeldButtons();
  buttons.press("W", "KeyW");
  buttons.press("SHIFT", "ShiftLeft");
  assert.deepEqual(buttons.take(), ["SHIFT", "W"]);
  assert.deepEqual(buttons.take(), ["SHIFT", "W"]);
  buttons.release("SHIFT", "ShiftLeft");
  assert.deepEqual(buttons.take(), ["W"]);
});

test("a press and release between two controls is in one of them", () => {
  const buttons = new HeldButtons();
  buttons.press("SPACE", "Space");
  buttons.release("SPACE", "Space");
  assert.equal(buttons.any, true);
  assert.deepEqual(buttons.take(), ["SPACE"]);
  assert.deepEqual(buttons.take(), []);
  assert.equal(buttons.any, false);
});

test("a wheel notch lasts for one control", () => {
  const buttons = new HeldButtons();
  buttons.tap("SCROLL_UP");
  assert.deepEqual(buttons.take(), ["SCROLL_UP"]);
  assert.deepEqual(buttons.take(), []);
});

test("a button is held until its last holder lets go", () => {
  const buttons = new HeldButtons();
  buttons.press("SHIFT", "ShiftLeft");
  buttons.press("SHIFT", "pad10");
  buttons.release("SHIFT", "ShiftLeft");
  assert.deepEqual(buttons.take(), ["SHIFT"]);
  buttons.release("SHIFT", "pad10");
  assert.deepEqual(buttons.take(), []);
});

test("polling a held button is no new press", () => {
  const buttons = new HeldButtons();
  buttons.set("W", "stick", true);
  buttons.take();
  buttons.set("W", "stick", true);
  buttons.set("W", "stick", false);
  assert.deepEqual(buttons.take(), []);
});

test("releasing everything leaves nothing, not even a tap", () => {
  const buttons = new HeldButtons();
  buttons.press("W", "KeyW");
  buttons.tap("SCROLL_DOWN");
  buttons.releaseAll();
  assert.deepEqual(buttons.take(), []);
});
