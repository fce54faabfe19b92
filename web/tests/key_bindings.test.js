// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { firstHintText, firstKeyText, keyText } from "../control_texts.js";
import { ACTIONS, isBindable, KeyBindings } from "../controls/key_bindings.js";

test("at first, keys mean what games have taught people", () => {
  const bindings = new KeyBindings();
  assert.deepEqual(bindings.meaningOf("KeyW"), { button: "W" });
  assert.deepEqual(bindings.meaningOf("ShiftRight"), { button: "SHIFT" });
  assert.deepEqual(bindings.meaningOf("KeyU"), { shortcut: "reset" });
  assert.equal(bindings.meaningOf("F7"), null);
  assert.ok(bindings.isDefault);
});

test("no key is two actions' at first", () => {
  const keys = ACTIONS.flatMap((action) => new KeyBindings().keysOf(action));
  assert.equal(new Set(keys).size, keys.length);
});

test("a key without an action sends the button that is printed on it", () => {
  const bindings = new KeyBindings();
  assert.deepEqual(bindings.meaningOf("KeyH"), { button: "H" });
  assert.deepEqual(bindings.meaningOf("Digit4"), { button: "4" });
  assert.deepEqual(bindings.meaningOf("NumpadEnter"), { button: "ENTER" });
});

test("a bound key does its action, and the one before does nothing", () => {
  const { bindings, loser } = new KeyBindings().bind("forward", "KeyI");
  assert.equal(loser, null);
  assert.deepEqual(bindings.meaningOf("KeyI"), { button: "W" });
  assert.equal(bindings.meaningOf("KeyW"), null, "nobody walks by a key that they have changed");
});

test("of two actions that want a key, the later one has it, and the other is named", () => {
  const { bindings, loser } = new KeyBindings().bind("forward", "Space");
  assert.equal(loser, "jump");
  assert.deepEqual(bindings.keysOf("jump"), []);
  assert.deepEqual(bindings.meaningOf("Space"), { button: "W" });
  const sprint = new KeyBindings().bind("jump", "ShiftRight");
  assert.deepEqual(sprint.bindings.keysOf("sprint"), ["ShiftLeft"], "it keeps the key of the other hand");
});

test("an action that gets its own key again is as it was", () => {
  const moved = new KeyBindings().bind("forward", "KeyI").bindings;
  const back = moved.bind("forward", "KeyW");
  assert.equal(back.loser, null);
  assert.ok(back.bindings.isDefault);
});

test("what was stored comes back", () => {
  const { bindings } = new KeyBindings().bind("forward", "Space");
  const stored = JSON.parse(JSON.stringify(bindings));
  assert.deepEqual(KeyBindings.from(stored).toJSON(), bindings.toJSON());
});

for (const [name, stored] of /** @type {[string, unknown][]} */ ([
  ["nothing", undefined],
  ["no bindings", "W"],
  ["an action that does not exist", { fly: ["KeyF"] }],
  ["a key that cannot be bound", { jump: ["Escape"] }],
  ["what is no key", { jump: [3] }],
  ["two actions of one key", { jump: ["KeyW"] }],
])) {
  test(`stored ${name} leaves the defaults`, () => assert.ok(KeyBindings.from(stored).isDefault));
}

test("the keys of the browser and of the menu stay theirs", () => {
  for (const code of ["Escape", "MetaLeft", "F5", "F11", "F12", ""]) assert.ok(!isBindable(code), code);
  for (const code of ["KeyP", "F2", "Tab", "Numpad8"]) assert.ok(isBindable(code), code);
});

test("keys are called as they are printed", () => {
  const names = ["KeyW", "Digit1", "ArrowLeft", "ShiftLeft", "ControlRight", "F9", "Numpad8", "PageUp"].map((code) => keyText(code));
  assert.deepEqual(names, ["W", "1", "←", "Shift", "Right Ctrl", "F9", "Numpad 8", "Page Up"]);
  assert.equal(keyText("KeyW", new Map([["KeyW", "z"]])), "Z", "a French keyboard");
  assert.equal(firstKeyText(new KeyBindings().bind("forward", "Space").bindings, "jump"), "No key");
});

test("the first hint names the keys that are in force", () => {
  assert.match(firstHintText(new KeyBindings()), /: WASD walks/);
  assert.match(firstHintText(new KeyBindings().bind("forward", "ArrowUp").bindings), /: ↑ASD walks/);
  assert.match(firstHintText(new KeyBindings().bind("back", "Numpad5").bindings), /: W, A, Numpad 5, D walks/);
});
