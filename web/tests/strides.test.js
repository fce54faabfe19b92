// @ts-check
// Steps are heard while somebody walks, at the pace of what they hold.

import assert from "node:assert/strict";
import { test } from "node:test";

import { strideMs, Strides } from "../strides.js";

/**
 * @param {Strides} strides
 * @param {number} from
 * @param {number} until
 * @returns {number} steps
 */
function walked(strides, from, until) {
  let steps = 0;
  for (let now = from; now < until; now += 16) steps += strides.frame(now) ? 1 : 0;
  return steps;
}

test("nobody who stands makes a step", () => {
  for (const held of [[], ["SHIFT"], ["LEFT"], ["W", "S"], ["A", "D", "SPACE"]]) assert.equal(strideMs(held), null);
  assert.equal(walked(new Strides(), 0, 60_000), 0);
});

test("sprinting is faster than walking, and crouching slower", () => {
  const paces = [["CTRL", "SHIFT", "W"], ["W"], ["W", "D"], ["SHIFT", "W"]].map((held) => {
    const strides = new Strides();
    strides.frame(0);
    strides.hold(held);
    return walked(strides, 0, 10_000);
  });
  assert.deepEqual(paces, [13, 19, 19, 30]);
});

test("the first step comes soon, and the same walk goes on in rhythm", () => {
  const strides = new Strides();
  strides.frame(1000);
  strides.hold(["W"]);
  assert.equal(walked(strides, 1000, 1200), 0);
  assert.equal(walked(strides, 1200, 1300), 1);
  strides.hold(["A", "W"]);
  assert.equal(walked(strides, 1300, 1700), 0, "another direction is no new start");
  strides.hold([]);
  assert.equal(walked(strides, 1700, 9000), 0);
});

test("a page that stood still does not catch up on steps", () => {
  const strides = new Strides();
  strides.frame(0);
  strides.hold(["W"]);
  assert.ok(strides.frame(90_000));
  assert.equal(walked(strides, 90_000, 90_100), 0);
});
