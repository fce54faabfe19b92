// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { lookMotion } from "../controls/look.js";
import { FirstHint } from "../first_hint.js";
import { loadSettings } from "../settings.js";

/** @param {string | null} text */
const stored = (text) => loadSettings(() => ({ getItem: () => text }));

test("what was never set has a default", () => {
  const settings = stored(null);
  assert.deepEqual([settings.sensitivity, settings.invertLook, settings.knowsControls], [1.8, false, false]);
  assert.ok(settings.keys.isDefault);
});

test("what was stored counts, as far as it can be used", () => {
  const settings = stored('{"sensitivity": "high", "invertLook": true, "keys": {"jump": ["KeyJ"]}, "unknown": 1, "theme": "dark"}');
  assert.equal(settings.theme, "dark");
  assert.equal(stored('{"theme": "pink"}').theme, "auto");
  assert.deepEqual([settings.sensitivity, settings.invertLook], [1.8, true]);
  assert.deepEqual(settings.keys.keysOf("jump"), ["KeyJ"]);
  assert.ok(!("unknown" in settings));
});

test("storage that is blocked or broken leaves the defaults", () => {
  const blocked = () => {
    throw new DOMException("blocked", "SecurityError");
  };
  for (const settings of [loadSettings(blocked), stored("{"), stored("null"), stored("[]")]) {
    assert.equal(settings.sensitivity, 1.8);
  }
});

/** @param {...Parameters<FirstHint["saw"]>[0]} controls */
function after(...controls) {
  const hint = new FirstHint();
  for (const control of controls) hint.saw(control);
  return hint.isLearnt;
}

test("the first hint is needed until somebody has walked and looked around", () => {
  assert.ok(!after({ buttons: ["W"], mouse_dx: 0, mouse_dy: 0 }));
  assert.ok(!after({ buttons: [], mouse_dx: 4, mouse_dy: 0 }));
  assert.ok(!after({ buttons: ["SPACE"] }, { mouse_dy: 4 }));
  assert.ok(after({ buttons: ["W"] }, { mouse_dx: 4 }));
  assert.ok(after({ buttons: ["A", "LEFT"] }), "by keys alone");
});

test("inverted look turns up and down round, and nothing else", () => {
  assert.deepEqual(lookMotion(3, 4, { sensitivity: 2, invertLook: false }), [6, 8]);
  assert.deepEqual(lookMotion(3, 4, { sensitivity: 2, invertLook: true }), [6, -8]);
});
