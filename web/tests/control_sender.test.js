// @ts-check
// Sending: every frame while something happens, a heartbeat while the world glides to rest, then silence.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ControlSender } from "../controls/control_sender.js";
import { HeldButtons } from "../controls/held_buttons.js";

/** @import { ControlNotification } from "../protocol.generated.d.ts" */

function setUp() {
  const buttons = new HeldButtons();
  /** @type {ControlNotification[]} */
  const sent = [];
  /** @type {boolean[]} */
  const changes = [];
  const world = { now: 10_000, isClear: true };
  const channel = {
    isClear: () => world.isClear,
    send: (/** @type {ControlNotification} */ control) => void sent.push(control),
    onSent: (/** @type {number} */ _ts, /** @type {boolean} */ changed) => void changes.push(changed),
  };
  const sender = new ControlSender(buttons, channel, () => world.now);
  const run = (/** @type {number} */ ms) => {
    for (const end = world.now + ms; world.now < end; world.now += 16) sender.frame();
  };
  return { buttons, sender, sent, changes, world, run };
}

test("an idle page sends nothing", () => {
  const { run, sent } = setUp();
  run(5000);
  assert.equal(sent.length, 0);
});

test("a held button is sent in every frame, and is one change", () => {
  const { buttons, run, sent, changes } = setUp();
  buttons.press("W", "KeyW");
  run(160);
  assert.equal(sent.length, 10);
  assert.deepEqual(sent.at(-1)?.buttons, ["W"]);
  assert.deepEqual(changes, [true, ...Array.from({ length: 9 }, () => false)]);
});

test("a press goes out at once, and a release too", () => {
  const { buttons, sender, sent } = setUp();
  buttons.press("W", "KeyW");
  sender.buttonChanged();
  buttons.release("W", "KeyW");
  sender.buttonChanged();
  assert.deepEqual(sent.map((control) => control.buttons), [["W"], []]);
});

test("after the release a heartbeat while the world may still roll, then silence", () => {
  const { buttons, sender, run, sent, world } = setUp();
  buttons.press("W", "KeyW");
  sender.buttonChanged();
  buttons.release("W", "KeyW");
  sender.buttonChanged();
  const releasedAt = world.now;
  run(5000);
  const heartbeats = sent.slice(2).map((control) => (control.ts ?? 0) - releasedAt);
  assert.ok(heartbeats.length >= 20 && heartbeats.length <= 25, `${heartbeats}`);
  assert.ok((heartbeats.at(-1) ?? 0) < 2500);
  const gaps = heartbeats.map((at, index) => at - (heartbeats[index - 1] ?? 0));
  assert.ok(Math.max(...gaps) < 250, "the server would stop between two heartbeats");
});

test("motion is summed until it is sent, and sent once", () => {
  const { sender, run, sent } = setUp();
  sender.move(3, -1);
  sender.move(4.256, 0);
  run(16);
  assert.deepEqual([sent[0]?.mouse_dx, sent[0]?.mouse_dy], [7.26, -1]);
  run(64);
  assert.equal(sent.length, 1);
});

test("a full socket keeps input back and loses none of it", () => {
  const { buttons, sender, run, sent, world } = setUp();
  world.isClear = false;
  buttons.press("SPACE", "Space");
  sender.buttonChanged();
  buttons.release("SPACE", "Space");
  sender.move(5, 0);
  run(500);
  sender.move(6, 0);
  assert.equal(sent.length, 0);
  world.isClear = true;
  run(16);
  assert.deepEqual([sent[0]?.buttons, sent[0]?.mouse_dx], [["SPACE"], 11]);
});

test("losing focus lets go, and says so", () => {
  const { buttons, sender, sent, world } = setUp();
  buttons.press("W", "KeyW");
  sender.buttonChanged();
  sender.move(9, 9);
  world.now += 5;
  sender.releaseAll();
  assert.deepEqual([sent.at(-1)?.buttons, sent.at(-1)?.mouse_dx], [[], 0]);
  sender.releaseAll();
  assert.equal(sent.length, 2);
});

test("a nudge shows the world without any input", () => {
  const { sender, run, sent } = setUp();
  sender.nudge();
  run(5000);
  assert.ok(sent.length >= 20 && sent.length <= 26, `${sent.length}`);
  assert.ok(sent.every((control) => control.buttons?.length === 0));
});
