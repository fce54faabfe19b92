// @ts-check
// Pacing: sub-frames are spread over the expected interval, and nothing is held back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newestDue, Pacer } from "../pacer.js";

test("the first pass is paced by the server's own figure", () => {
  assert.deepEqual(new Pacer().schedule(1000, 80, 4), [1000, 1020, 1040, 1060]);
});

test("without any figure every sub-frame is due at once", () => {
  assert.deepEqual(new Pacer().schedule(1000, 0, 2), [1000, 1000]);
});

test("the first sub-frame is always due on arrival", () => {
  const pacer = new Pacer();
  for (const at of [0, 50, 61, 140, 900]) assert.equal(pacer.schedule(at, 50, 4)[0], at);
});

test("the interval follows the arrivals", () => {
  const pacer = new Pacer();
  for (let pass = 0; pass < 60; pass += 1) pacer.schedule(pass * 70, 50, 1);
  assert.ok(Math.abs(pacer.interval - 70) < 0.1);
});

test("a gap is no interval", () => {
  const pacer = new Pacer();
  for (let pass = 0; pass < 20; pass += 1) pacer.schedule(pass * 50, 50, 1);
  pacer.schedule(19 * 50 + 5000, 40, 1);
  assert.equal(pacer.interval, 40);
});

test("a gap of more than five intervals is one as well", () => {
  const pacer = new Pacer();
  for (let pass = 0; pass < 20; pass += 1) pacer.schedule(pass * 20, 20, 1);
  pacer.schedule(19 * 20 + 120, 25, 1);
  assert.equal(pacer.interval, 25);
});

test("after a gap a server without a figure leaves the interval as it was", () => {
  const pacer = new Pacer();
  pacer.schedule(0, 50, 1);
  pacer.schedule(5000, 0, 1);
  assert.equal(pacer.interval, 50);
});

test("the newest due and decoded sub-frame wins", () => {
  assert.equal(newestDue([0, 10, 20, 30], [1, 1, 1, 1], -1, 25), 2);
  assert.equal(newestDue([0, 10, 20, 30], [1, 1, null, 1], -1, 25), 1);
});

test("nothing is drawn before its time, again, or backwards", () => {
  assert.equal(newestDue([10, 20], [1, 1], -1, 5), -1);
  assert.equal(newestDue([10, 20], [null, 1], 0, 15), -1);
  assert.equal(newestDue([10, 20], [1, null], 1, 25), -1);
});
