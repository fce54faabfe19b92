// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { framedSize, needsFraming, partOf, placeOfWhole, WIDE } from "../framing.js";

const SQUARE = { width: 1200, height: 1200 };
const UPRIGHT = { width: 900, height: 1600 };
const PANORAMA = { width: 4000, height: 1000 };

test("only whoever would lose much of a picture is asked", () => {
  for (const picture of [SQUARE, UPRIGHT, PANORAMA]) assert.ok(needsFraming(picture));
  for (const [width, height] of /** @type {const} */ ([[1280, 720], [1600, 1200], [3000, 2000], [2560, 1080]])) {
    assert.ok(!needsFraming({ width, height }), `${width}x${height}`);
  }
});

test("a part is as large as possible, inside, and goes from end to end", () => {
  for (const picture of [SQUARE, UPRIGHT, PANORAMA, { width: 1, height: 1 }]) {
    for (const at of [0, 0.5, 1]) {
      const { x, y, width, height } = partOf(picture, at);
      assert.ok(Math.abs(width / height - WIDE) < 1e-9);
      assert.ok(width === picture.width || height === picture.height);
      assert.ok(x >= 0 && y >= 0 && x + width <= picture.width + 1e-9 && y + height <= picture.height + 1e-9);
    }
  }
  assert.equal(partOf(SQUARE, 0).y, 0);
  assert.equal(partOf(PANORAMA, 1).x, 4000 - 1000 * WIDE);
});

test("the whole picture is in the middle, and touches two edges", () => {
  const frame = { width: 1600, height: 900 };
  assert.deepEqual(placeOfWhole(SQUARE, frame), { x: 350, y: 0, width: 900, height: 900 });
  assert.deepEqual(placeOfWhole(PANORAMA, frame), { x: 0, y: 250, width: 1600, height: 400 });
});

test("nothing of the detail is lost, and the file stays within reason", () => {
  assert.deepEqual(framedSize(UPRIGHT, { kind: "part", at: 0 }), { width: 900, height: 506 });
  assert.deepEqual(framedSize(SQUARE, { kind: "whole" }), { width: 2133, height: 1200 });
  assert.deepEqual(framedSize(PANORAMA, { kind: "part", at: 0 }), { width: 1778, height: 1000 });
  assert.deepEqual(framedSize(PANORAMA, { kind: "whole" }), { width: 2560, height: 1440 });
  assert.deepEqual(framedSize({ width: 1, height: 1 }, { kind: "whole" }), { width: 320, height: 180 });
});
