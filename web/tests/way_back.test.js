// @ts-check
// What a tab remembers of the world that it plays.

import assert from "node:assert/strict";
import { test } from "node:test";

import { problemOfError } from "../problems.js";
import { forgetWayBack, keepWayBack, wayBackTo } from "../way_back.js";
import { resumedText } from "../world_texts.js";

/** @param {Map<string, string>} items */
function storeOf(items) {
  return () => ({
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void items.set(key, value),
    removeItem: (/** @type {string} */ key) => void items.delete(key),
  });
}

const blocked = () => {
  throw new Error("Storage is blocked.");
};
const way = { token: "t", place: "#seed=1", isRecorded: true };

test("the way back leads to its own place, until it is forgotten", () => {
  const store = storeOf(new Map());
  assert.equal(wayBackTo(way.place, store), null);
  keepWayBack(way, store);
  assert.deepEqual(wayBackTo(way.place, store), way);
  assert.equal(wayBackTo("#seed=2", store), null);
  forgetWayBack(store);
  assert.equal(wayBackTo(way.place, store), null);
});

test("a browser without storage, or with something else in it, has no way back", () => {
  keepWayBack(way, blocked);
  forgetWayBack(blocked);
  assert.equal(wayBackTo(way.place, blocked), null);
  for (const text of ["{", "7", '{"place": "#seed=1"}']) {
    assert.equal(wayBackTo(way.place, storeOf(new Map([["terrarium.way-back", text]]))), null);
  }
});

test("whoever comes back hears whether something is missing", () => {
  assert.equal(resumedText(0), "You are back where you were.");
  assert.match(resumedText(0.8), /0\.8 s/);
});

test("a world that is closed is left to the person, and so is one that went on elsewhere", () => {
  const { title, recovery } = problemOfError({ type: "error", code: "resumeTooLate" });
  assert.equal(title, "That world has been closed");
  assert.equal(recovery, "again");
  assert.equal(problemOfError({ type: "error", code: "resumedElsewhere" }).recovery, "again");
});
