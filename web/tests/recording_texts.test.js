// @ts-check
// Recordings in words, and in groups.

import assert from "node:assert/strict";
import { test } from "node:test";

import { durationText, groupBySession, sizeText, titleOf } from "../recording_texts.js";

/** @import { RecordingSummary } from "../recordings_rest.js" */

/**
 * @param {Partial<RecordingSummary>} facts
 * @returns {RecordingSummary}
 */
function recording(facts) {
  return {
    name: "a",
    started_at: 0,
    duration_s: 5,
    size_bytes: 1,
    width: 64,
    height: 48,
    play_session: null,
    segment: null,
    model: null,
    seed: null,
    video_url: "",
    thumbnail_url: "",
    ...facts,
  };
}

test("durations", () => {
  const texts = [0, 7.9, 59.99, 60, 754, 3723].map(durationText);
  assert.deepEqual(texts, ["0:00", "0:07", "0:59", "1:00", "12:34", "1:02:03"]);
});

test("sizes", () => {
  const texts = [0, 999, 12_345, 1_250_000, 31_000_000, 21_474_836_480].map(sizeText);
  assert.deepEqual(texts, ["0 KB", "1 KB", "12 KB", "1.3 MB", "31 MB", "21 GB"]);
});

test("a recording is called after its picture until somebody names it", () => {
  const given = recording({ name: "20261121_072401_3fa9c1d2_1", seed: "Beach sunset.jpg", started_at: 0 });
  assert.match(titleOf(given), /^Beach sunset, /);
  assert.equal(titleOf(recording({ name: "My walk", seed: "hill" })), "My walk");
  assert.match(titleOf(recording({ name: "20261121_072401_3fa9c1d2_12" })), /^Recording, /);
});

test("segments of one stay belong together, first to last; strangers stand alone", () => {
  const groups = groupBySession([
    recording({ name: "b2", play_session: "b", started_at: 40 }),
    recording({ name: "x", started_at: 35 }),
    recording({ name: "y", started_at: 34 }),
    recording({ name: "b1", play_session: "b", started_at: 30 }),
    recording({ name: "a1", play_session: "a", started_at: 10 }),
  ]);
  assert.deepEqual(
    groups.map(({ recordings }) => recordings.map(({ name }) => name)),
    [["b1", "b2"], ["x"], ["y"], ["a1"]],
  );
  assert.deepEqual(groupBySession([]), []);
});
