// @ts-check
// Latency: from the first control that carried a change to the first drawn frame that has read it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LatencyTracker, percentile } from "../latency.js";

test("a change is answered by the first drawn frame that is not older", () => {
  const latency = new LatencyTracker();
  latency.controlSent(100, true);
  latency.drawn(90, 130);
  assert.equal(latency.summary(), null);
  latency.drawn(100, 160);
  latency.drawn(100, 190);
  assert.deepEqual(latency.summary(), { p50: 60, p95: 60, count: 1 });
});

test("repeated controls carry no change and count for nothing", () => {
  const latency = new LatencyTracker();
  latency.controlSent(100, true);
  latency.controlSent(116, false);
  latency.drawn(116, 150);
  assert.deepEqual(latency.summary(), { p50: 50, p95: 50, count: 1 });
});

test("a frame that was never drawn does not answer: the change waits for the next one", () => {
  const latency = new LatencyTracker();
  latency.controlSent(100, true);
  latency.controlSent(120, true);
  latency.drawn(130, 300);
  assert.deepEqual(latency.summary(), { p50: 180, p95: 200, count: 2 });
});

test("what a pause left unanswered is dropped", () => {
  const latency = new LatencyTracker();
  latency.controlSent(100, true);
  latency.dropPending();
  latency.drawn(100, 9000);
  assert.equal(latency.summary(), null);
});

test("memory stays flat", () => {
  const latency = new LatencyTracker();
  for (let ts = 0; ts < 5000; ts += 1) latency.controlSent(ts, true);
  latency.drawn(5000, 5000);
  for (let ts = 6000; ts < 7000; ts += 1) {
    latency.controlSent(ts, true);
    latency.drawn(ts, ts + 10);
  }
  assert.deepEqual(latency.summary(), { p50: 10, p95: 10, count: 300 });
});

test("percentiles are by nearest rank", () => {
  const values = Array.from({ length: 20 }, (_, index) => index + 1);
  assert.equal(percentile(values, 0.5), 10);
  assert.equal(percentile(values, 0.95), 19);
  assert.equal(percentile([7], 0.95), 7);
});
