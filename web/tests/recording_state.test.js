// @ts-check
// What the page makes of the server's news about recordings.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RecordingState } from "../recording_state.js";

/** @import { RecordingMessage } from "../protocol.generated.d.ts" */

/**
 * @param {RecordingState} state
 * @param {Omit<RecordingMessage, "type">} news
 * @param {number} now
 */
function tell(state, news, now = 0) {
  return state.told({ type: "recording", ...news }, now);
}

test("time runs from the start of the segment, and only while there is one", () => {
  const state = new RecordingState();
  assert.equal(state.elapsedSeconds(0), null);
  state.answered({ state: "waiting" });
  assert.ok(state.isOn);
  assert.equal(state.elapsedSeconds(5000), null);
  tell(state, { event: "started", name: "a" }, 5000);
  assert.equal(state.elapsedSeconds(12_500), 7.5);
  tell(state, { event: "finishing", name: "a" }, 13_000);
  assert.ok(state.isOn, "a pause ends the segment, not the wish");
  assert.equal(state.elapsedSeconds(14_000), null);
});

test("news of an older segment leave the one that runs alone", () => {
  const state = new RecordingState();
  tell(state, { event: "started", name: "a" });
  tell(state, { event: "started", name: "b" }, 1000);
  tell(state, { event: "finishing", name: "a" });
  assert.match(tell(state, { event: "saved", name: "a", duration_s: 61 })?.text ?? "", /1:01/);
  tell(state, { event: "failed", name: "a", code: "recordingFailed" });
  assert.ok(state.isOn);
  assert.equal(state.elapsedSeconds(3000), 2);
});

test("a failure ends it, and what there is of it is saved", () => {
  const state = new RecordingState();
  tell(state, { event: "started", name: "a" });
  const notice = tell(state, { event: "failed", name: "a", code: "recordingDiskFull", message: "Full." });
  assert.equal(state.isOn, false);
  assert.equal(notice?.kind, "error");
  assert.match(notice?.text ?? "", /disk/i);
  assert.match(tell(state, { event: "saved", name: "a", duration_s: 42 })?.text ?? "", /0:42/);
});

test("a file that waits for room is told with its reason, one that waits for the next start without", () => {
  const state = new RecordingState();
  const full = tell(state, { event: "postponed", name: "a", code: "recordingDiskFull", message: "It waits for room." });
  assert.deepEqual(full, { kind: "info", text: "It waits for room." });
  assert.match(tell(state, { event: "postponed", name: "a" })?.text ?? "", /starts again/);
});

test("an answer may come before or after the news", () => {
  const state = new RecordingState();
  tell(state, { event: "started", name: "a" });
  state.answered({ state: "recording", name: "a" });
  assert.equal(state.segment?.name, "a");
  tell(state, { event: "finishing", name: "a" });
  state.answered({ state: "off", name: "a" });
  assert.equal(state.isOn, false);
});
