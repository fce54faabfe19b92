// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { afterEvent, countLive, isOver, justEnded, newestFirst, withJob, withList, withoutJob } from "../job_list.js";
import { job, known, states } from "./jobs.js";

/** @import { JobState } from "../jobs_rest.js" */

test("a job is over once nothing more happens to it by itself", () => {
  /** @type {JobState[]} */
  const all = ["queued", "running", "finishing", "done", "failed", "cancelled", "interrupted"];
  assert.deepEqual(
    all.filter((state) => isOver({ state })),
    ["done", "failed", "cancelled", "interrupted"],
  );
  assert.equal(countLive(known(...all.map((state) => job(state, { state })))), 3);
});

test("the newest job is first, in whatever order they became known", () => {
  assert.deepEqual(
    newestFirst(known(job("b"), job("c"), job("a"))).map(({ id }) => id),
    ["c", "b", "a"],
  );
});

test("an answer that is older than an event changes nothing", () => {
  const jobs = known(job("a", { state: "cancelled" }));
  assert.equal(withJob(jobs, job("a", { state: "running", cancelling: true })), jobs);
  assert.equal(withJob(jobs, /** @type {NonNullable<ReturnType<typeof jobs.get>>} */ (jobs.get("a"))), jobs);
  assert.deepEqual(states(withJob(jobs, job("a", { state: "queued", attempt: 2 }))), ["a queued"]);
  assert.deepEqual(states(withJob(jobs, job("b"))), ["a cancelled", "b queued"]);
});

test("a job that was removed is known no more", () => {
  assert.deepEqual(states(withoutJob(known(job("a"), job("b")), "a")), ["b queued"]);
});

test("a list removes what it lacks, unless it could not have had it", () => {
  const asked = known(job("a"), job("b"), job("d"));
  const now = known(...asked.values(), job("e"));
  assert.deepEqual(states(withList(asked, now, [job("c"), job("b", { state: "running" })], false)), [
    "a queued",
    "b running",
    "e queued",
    "c queued",
  ]);
  assert.deepEqual(states(withList(asked, now, [job("b")], true)), ["b queued", "e queued"]);
  assert.deepEqual(states(withList(asked, known(), [job("b"), job("a")], true)), [], "removed while it was asked for");
  assert.deepEqual(states(withList(known(), known(), [], true)), []);
});

const UNKNOWN = { waiting_s: null, remaining_s: null };

test("events lead a job to its end", () => {
  let told = afterEvent(job("a"), { event: "progress", data: { job: "a", stage: null, fraction: null, position: 2, ...UNKNOWN } });
  assert.equal(told.position, 2);
  told = afterEvent(told, { event: "state", data: { job: "a", at: 5, state: "running", attempt: 1 } });
  assert.deepEqual([told.state, told.position, told.started_at], ["running", null, 5]);
  told = afterEvent(told, { event: "stage", data: { job: "a", stage: "painting" } });
  told = afterEvent(told, { event: "progress", data: { job: "a", stage: "painting", fraction: 0.5, position: null, ...UNKNOWN } });
  assert.deepEqual([told.stage, told.fraction], ["painting", 0.5]);
  const result = { seed_hash: "ab" };
  told = afterEvent(told, { event: "state", data: { job: "a", at: 9, state: "done", attempt: 1, result } });
  assert.deepEqual([told.state, told.result, told.ended_at, told.can_retry], ["done", result, 9, false]);
});

test("a job that is asked to stop stops, and can be tried again", () => {
  let told = afterEvent(job("a", { state: "running" }), { event: "cancelling", data: { job: "a" } });
  assert.ok(told.cancelling);
  told = afterEvent(told, { event: "state", data: { job: "a", at: 7, state: "cancelled", attempt: 1 } });
  assert.deepEqual([told.cancelling, told.can_retry], [false, true]);
  told = afterEvent(told, { event: "state", data: { job: "a", at: 8, state: "queued", attempt: 2 } });
  assert.deepEqual([told.state, told.attempt, told.can_retry, told.ended_at], ["queued", 2, false, null]);
});

test("a failure has a code and a sentence", () => {
  const data = /** @type {const} */ ({ job: "a", at: 7, state: "failed", attempt: 1, code: "filmFailed", message: "No." });
  const told = afterEvent(job("a", { state: "running" }), { event: "state", data });
  assert.deepEqual(told.fault, { code: "filmFailed", message: "No." });
  assert.ok(told.can_retry);
});

test("events that were known already change nothing", () => {
  const done = job("a", { state: "done" });
  assert.equal(afterEvent(done, { event: "state", data: { job: "a", at: 1, state: "running", attempt: 1 } }), done);
  assert.equal(afterEvent(done, { event: "state", data: { job: "a", at: 1, state: "done", attempt: 1 } }), done);
  assert.equal(afterEvent(done, { event: "stage", data: { job: "a", stage: "painting" } }), done);
  assert.equal(afterEvent(done, { event: "cancelling", data: { job: "a" } }), done);
});

test("an end is told once, also of a job that began and ended unseen", () => {
  const [ran, over] = [job("b", { state: "running" }), job("a", { state: "failed" })];
  const done = job("b", { state: "done" });
  /** @param {Parameters<typeof justEnded>} lists */
  const ended = (...lists) => justEnded(...lists).map(({ id }) => id);
  assert.deepEqual(ended(null, known(done)), [], "what was over when the page was opened is no news");
  assert.deepEqual(ended(known(over, ran), known(over, done)), ["b"]);
  assert.deepEqual(ended(known(over, done), known(over, done)), []);
  assert.deepEqual(ended(known(ran), known(ran, job("c", { state: "done" }))), ["c"]);
  assert.deepEqual(ended(known(ran), known(ran, over)), [], "an older job that is listed later");
  assert.deepEqual(ended(known(over), known(job("a", { state: "done", attempt: 2 }))), ["a"], "tried again unseen");
});
