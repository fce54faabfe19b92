// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { afterComment, afterTag, afterThumb, summaryOf } from "../feedback_state.js";

/** @import { Saying } from "../feedback_state.js" */

/** @type {Saying} */
const GOOD = { rating: 1, tags: ["sharp"], comment: "Like a walk." };

test("a thumb is given, changed and taken back", () => {
  assert.deepEqual(afterThumb(null, 1), { rating: 1, tags: [], comment: null });
  assert.deepEqual(afterThumb(GOOD, -1), { ...GOOD, rating: -1 });
  assert.equal(afterThumb(GOOD, 1), null);
});

test("a tag comes and goes, and changes nothing else", () => {
  const two = afterTag(GOOD, "steady");
  assert.deepEqual(two, { ...GOOD, tags: ["sharp", "steady"] });
  assert.deepEqual(afterTag(two, "sharp"), { ...GOOD, tags: ["steady"] });
  assert.deepEqual(GOOD.tags, ["sharp"]);
});

test("words are kept without the space around them", () => {
  assert.equal(afterComment(GOOD, "  It drifts. ").comment, "It drifts.");
  assert.deepEqual(afterComment(GOOD, "  "), { ...GOOD, comment: null });
});

test("what was said is told in short", () => {
  assert.equal(summaryOf(null), "Rate it");
  assert.equal(summaryOf(GOOD), "Good, Sharp");
  assert.equal(summaryOf({ rating: -1, tags: ["newer"], comment: null }), "Bad, newer");
});
