// @ts-check
// The rate meter tells the pace of the stream that flows now.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RateMeter } from "../rate_meter.js";

/**
 * @param {RateMeter} meter
 * @param {number} from
 * @param {number} until
 */
function flow(meter, from, until) {
  for (let at = from; at < until; at += 20) meter.add(at);
}

test("a steady stream has its rate soon after it began, and later", () => {
  const meter = new RateMeter();
  flow(meter, 0, 500);
  assert.equal(meter.rate(500), 50);
  flow(meter, 500, 5000);
  assert.ok(Math.abs(meter.rate(5000) - 50) < 1);
});

test("a pause is no part of the stream that follows it", () => {
  const meter = new RateMeter();
  flow(meter, 0, 3000);
  assert.equal(meter.rate(6000), 0);
  flow(meter, 6000, 6500);
  assert.equal(meter.rate(6500), 50);
});
