// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { draftOf, EMPTY_DRAFT, faultOf, frameTime, isSeed, keyOf, middleOf, requestOf, withPicture } from "../studio_draft.js";
import { specs } from "./films.js";

/** @import { FilmRequest } from "../films_rest.js" */
/** @import { Draft } from "../studio_draft.js" */

const FILM = { film: "01M8FF2TC7KQW9GZBY74E7H979" };
const LAKE = { hash: "a", title: "Lake", thumbnail_url: "/a" };
const HILL = { hash: "b", title: "Hill", thumbnail_url: "/b" };
const HOUSE = { hash: "c", title: "House", thumbnail_url: "/c" };

/** @param {Partial<Draft>} change */
const draft = (change) => ({ ...EMPTY_DRAFT, prompt: "a lake", width: 960, height: 544, ...change });

/** @param {Partial<Draft>} change */
const fault = (change) => faultOf(draft(change), specs());

test("a film from words has the size and length that are asked for, and a seed only if it is locked", () => {
  assert.deepEqual(requestOf(draft({ camera: "static" })), {
    way: { kind: "words" },
    prompt: "a lake",
    camera: "static",
    width: 960,
    height: 544,
    seconds: 5,
    fps: null,
    upscale: false,
  });
  assert.equal(requestOf(draft({ seed: "0012" })).seed, 12);
  assert.equal(requestOf(draft({ isWritten: true })).write_prompt, true);
});

test("what is made of a film is as large as that", () => {
  const retake = draft({ way: "retake", source: FILM, startS: 1, endS: 2, what: "sound" });
  assert.deepEqual(requestOf(retake), {
    way: { kind: "retake", source: FILM, start_s: 1, end_s: 2, what: "sound" },
    prompt: "a lake",
  });
  assert.deepEqual(requestOf(draft({ way: "upscale", prompt: " ", source: FILM })), { way: { kind: "upscale", source: FILM } });
});

test("what is missing is said", () => {
  assert.equal(fault({}), null);
  assert.match(fault({ prompt: " " }) ?? "", /in words/);
  assert.match(fault({ way: "pictures" }) ?? "", /picture first/);
  const three = [LAKE, HILL, HOUSE].map((picture) => ({ ...picture, at: /** @type {const} */ ("first") }));
  assert.match(fault({ way: "pictures", pictures: three }) ?? "", /At most 2/);
  assert.match(fault({ way: "sound" }) ?? "", /sound first/);
  assert.match(fault({ way: "extension" }) ?? "", /film first/);
  assert.match(fault({ way: "joining", source: FILM }) ?? "", /comes after/);
  assert.match(fault({ way: "retake", source: FILM, startS: 1, endS: 1 }) ?? "", /Mark the part/);
  assert.equal(fault({ way: "control", source: FILM, control: "edges" }), null);
  assert.match(fault({ way: "control", source: FILM, control: "pose" }) ?? "", /finds poses/);
  assert.match(fault({ seed: "-1" }) ?? "", /whole number/);
  assert.equal(fault({ way: "upscale", source: FILM, prompt: "" }), null);
});

test("what this server cannot do comes before anything else", () => {
  const ways = specs().ways.map(({ way }) => ({ way, why_not: way === "words" ? "Not here." : null }));
  assert.equal(faultOf(draft({ prompt: "" }), specs({ ways })), "Not here.");
});

test("a seed is a number that this page keeps exactly", () => {
  assert.deepEqual(["0", "9007199254740991", "9007199254740992", "1.5", "", "-1", "1e3"].map(isSeed), [
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test("pictures are at the beginning, then at the end, and the newest one stays there", () => {
  const places = (/** @type {readonly import("../studio_draft.js").PlacedPicture[]} */ pictures) => pictures.map(({ hash, at }) => `${hash} ${at}`);
  const one = withPicture([], LAKE);
  assert.deepEqual(places(one), ["a first"]);
  assert.deepEqual(places(withPicture(one, HILL)), ["a first", "b last"]);
  assert.deepEqual(places(withPicture(withPicture(one, HILL), HOUSE)), ["a first", "c last"]);
});

test("the middle is retaken where nothing was marked, and a frame is one that there is", () => {
  assert.deepEqual(middleOf(4), { startS: 1, endS: 3 });
  assert.deepEqual([frameTime(2, 4), frameTime(4, 4), frameTime(1, 0)], [2, 3.95, 0]);
});

test("the settings of a film come back as they were, for every way", () => {
  const shape = { width: 960, height: 544, seconds: 3, fps: 30, upscale: true };
  /** @type {FilmRequest[]} */
  const requests = [
    { way: { kind: "words" }, ...shape },
    { way: { kind: "pictures", pictures: [{ seed: "a", at: 1.5 }] }, ...shape },
    { way: { kind: "sound", sound: { recording: "walk" } }, ...shape },
    { way: { kind: "retake", source: FILM, start_s: 1, end_s: 2, what: "both" } },
    { way: { kind: "extension", source: FILM, side: "start", added_s: 2 } },
    { way: { kind: "joining", before: FILM, after: { source: "f" }, between_s: 2 } },
    { way: { kind: "control", source: FILM, control: "edges" }, ...shape },
    { way: { kind: "upscale", source: FILM } },
  ];
  for (const request of requests) {
    const asked = { ...request, prompt: "a lake", seed: 7, loras: [{ name: "ink", strength: 0.5 }], camera: "static" };
    assert.deepEqual(requestOf(draftOf(asked, () => LAKE)), asked);
  }
});

test("names that the server tells as missing are left out, and a seed that was rounded is not locked", () => {
  const source = /** @type {any} */ ({ source: null, film: null, recording: "walk" });
  const back = draftOf({ way: { kind: "upscale", source }, seed: 2 ** 60 }, () => LAKE);
  assert.deepEqual([back.source, back.seed], [{ recording: "walk" }, null]);
  assert.equal(keyOf({ recording: "walk" }), "recording:walk");
});
