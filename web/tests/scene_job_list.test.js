// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { isOver, justDone, mergeJobs } from "../scene_job_list.js";

/** @import { SceneJob } from "../scenes_rest.js" */

/**
 * @param {string} id
 * @param {SceneJob["state"]} state
 * @returns {SceneJob}
 */
function job(id, state) {
  return { id, prompt: id, state, step: null, fraction: null, seed_hash: null, code: null, message: null };
}

/** @param {SceneJob[]} jobs */
const known = (...jobs) => new Map(jobs.map((one) => [one.id, one]));

/** @param {ReadonlyMap<string, SceneJob>} jobs */
const states = (jobs) => [...jobs.values()].map(({ id, state }) => `${id} ${state}`);

test("what runs is followed to its end", () => {
  const before = known(job("a", "waiting"), job("b", "running"));
  const after = mergeJobs(before, before, [job("b", "done"), job("a", "running")]);
  assert.deepEqual(states(after), ["a running", "b done"]);
  assert.deepEqual(justDone(before, after).map(({ id }) => id), ["b"]);
  assert.deepEqual(justDone(after, after), []);
});

test("what others make shows from now on, what was over before does not", () => {
  const listed = [job("new", "waiting"), job("mine", "running"), job("failed", "failed"), job("done", "done")];
  assert.deepEqual(states(mergeJobs(known(), known(), listed)), ["mine running", "new waiting"]);
});

test("an answer that was on its way brings nothing back", () => {
  const asked = known(job("a", "running"));
  assert.deepEqual(states(mergeJobs(asked, known(job("a", "cancelled")), [job("a", "running")])), ["a cancelled"]);
});

test("what a server has forgotten failed, what it was not asked about did not", () => {
  const asked = known(job("old", "running"), job("read", "failed"));
  const now = known(...asked.values(), job("begun since", "waiting"));
  const after = mergeJobs(asked, now, []);
  assert.deepEqual(states(after), ["old failed", "read failed", "begun since waiting"]);
  assert.equal(after.get("old")?.code, "jobUnknown");
  assert.ok([...after.values()].slice(0, 2).every(isOver));
});
