// @ts-check
// Pacing: sub-frames are spread over the expected interval, and nothing is held back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newestDue, Pacer } from "../pacer.js";

test("the first pass is paced by the server's own figure", () => {
  assert.equal(new Pacer().arrived(1000, 80, 4), 20);
});

test("without any figure every sub-frame is due at once", () => {
  assert.equal(new Pacer().arrived(1000, 0, 2), 0);
  assert.equal(newestDue([1, 1], -1, 0, 0), 1);
});

test("the interval follows the arrivals", () => {
  const pacer = new Pacer();
  for (let pass = 0; pass < 60; pass += 1) pacer.arrived(pass * 70, 50, 1);
  assert.ok(Math.abs(pacer.interval - 70) < 0.1);
});

test("a gap is no interval", () => {
  const pacer = new Pacer();
  for (let pass = 0; pass < 20; pass += 1) pacer.arrived(pass * 50, 50, 1);
  pacer.arrived(19 * 50 + 5000, 40, 1);
  assert.equal(pacer.interval, 40);
});

test("a gap of more than five intervals is one as well", () => {
  const pacer = new Pacer();
  for (let pass = 0; pass < 20; pass += 1) pacer.arrived(pass * 20, 20, 1);
  pacer.arrived(19 * 20 + 120, 25, 1);
  assert.equal(pacer.interval, 25);
});

test("after a gap a server without a figure leaves the interval as it was", () => {
  const pacer = new Pacer();
  pacer.arrived(0, 50, 1);
  pacer.arrived(5000, 0, 1);
  assert.equal(pacer.interval, 50);
});

test("the newest due and decoded sub-frame wins", () => {
  assert.equal(newestDue([1, 1, 1, 1], -1, 10, 25), 2);
  assert.equal(newestDue([1, 1, null, 1], -1, 10, 25), 1);
});

test("nothing is drawn before its time, again, or backwards", () => {
  assert.equal(newestDue([1, 1], 0, 10, 5), -1);
  assert.equal(newestDue([null, 1], -1, 10, 0), -1);
  assert.equal(newestDue([1, null], 1, 10, 25), -1);
});

test("on a screen of the world's own rate every sub-frame has its turn, in spite of jitter", () => {
  const drawn = [0, 16.1, 33.9, 49.6].map((elapsed, turn) => newestDue([1, 1, 1, 1], turn - 1, 16.7, elapsed));
  assert.deepEqual(drawn, [0, 1, 2, 3]);
});
