// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { costOf, framesOf } from "../studio_cost.js";
import { EMPTY_DRAFT } from "../studio_draft.js";
import { costText, differencesOf, problemText, timingText, titleOfFilm } from "../studio_texts.js";
import { RestError } from "../rest.js";
import { film, specs } from "./films.js";

/** @import { Film } from "../films_rest.js" */
/** @import { Draft } from "../studio_draft.js" */
/** @import { Footage } from "../studio_footage.js" */

/** @type {Footage} */
const SOURCE = { ref: { film: "f" }, group: "films", title: "a lake", url: "/f", seconds: 4, width: 640, height: 384, fps: 24, spriteUrl: null };

/**
 * @param {Partial<Draft>} change
 * @param {readonly Film[]} [films]
 */
const cost = (change, films = []) => costOf({ ...EMPTY_DRAFT, width: 960, height: 544, ...change }, specs(), films, SOURCE);

test("a film has 8 k + 1 frames, and as many of them as it needs", () => {
  assert.deepEqual([0, 1, 5, 5.01].map((seconds) => framesOf(seconds, 24)), [1, 25, 121, 121]);
});

test("the model makes what it is asked for and what it looks at", () => {
  assert.equal(cost({ seconds: 5 }).frames, 121);
  assert.equal(cost({ way: "retake", startS: 0.5, endS: 2 }).frames, 73);
  assert.equal(cost({ way: "extension", addedS: 2 }).frames, 73);
  assert.equal(cost({ way: "joining", addedS: 2 }).frames, 97);
  assert.equal(cost({ way: "upscale" }).frames, 97);
});

test("earlier films of the same model tell the time, without what loading took", () => {
  assert.equal(cost({}).seconds, null);
  const expected = (960 * 544 * 121 * 10) / (100 * 100 * 10);
  assert.equal(cost({}, [film()]).seconds, expected);
  assert.equal(cost({}, [film({ model: "another" }), film({ way: "retake" }), film({ state: "failed" })]).seconds, null);
});

test("the longest film depends on size and rate, and is not known of a size without a name", () => {
  assert.equal(cost({ fps: 30 }).longestS, 16);
  assert.equal(cost({ width: 64 }).longestS, null);
  assert.equal(cost({ way: "retake" }).longestS, null);
});

test("what a film costs is said in words", () => {
  assert.equal(
    costText({ frames: 121, steps: 8, seconds: 130, memoryBytes: 38_000_000_000, longestS: 20 }),
    "121 frames, 8 steps, about 38 GB of memory. It takes about 2 min here, by earlier films. At most 20 s at this size and rate.",
  );
  assert.equal(costText({ frames: null, steps: 8, seconds: null, memoryBytes: null, longestS: null }), "8 steps. The first film will tell how long it takes here.");
});

test("a film has a title, and tells how long it took", () => {
  assert.equal(titleOfFilm(film({ prompt: "" })), "From words");
  assert.equal(timingText({ denoising: 8, decoding: 2 }), "Made in 10 s");
  assert.equal(timingText(null), "");
});

test("two films are compared by what differs", () => {
  assert.deepEqual(differencesOf(film(), film({ seed: 8, request: { way: { kind: "words" }, camera: "static" } })), [
    "Seed: 7 against 8",
    "Camera: as the model likes against Stands still",
  ]);
});

test("the server's own sentence is shown where only it knows what is possible", () => {
  assert.equal(problemText(new RestError("At most 5 s.", 422, "filmRefused")), "At most 5 s.");
  assert.notEqual(problemText(new RestError("No such film: x", 404, "filmUnknown")), "No such film: x");
});
