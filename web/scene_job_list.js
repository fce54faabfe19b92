// @ts-check
// What the page knows of scenes that are being made, and what an answer of the server changes about it.

/** @import { SceneJob } from "./scenes_rest.js" */

/** @typedef {ReadonlyMap<string, SceneJob>} SceneJobs by id, oldest first */

/** @param {SceneJob} job */
export function isOver({ state }) {
  return state === "done" || state === "failed" || state === "cancelled";
}

/**
 * Jobs that other pages began are followed from here on, those that were over before this page saw them are not.
 *
 * @param {SceneJobs} asked what was known when the server was asked: only of these its silence says anything
 * @param {SceneJobs} known now
 * @param {readonly SceneJob[]} listed its answer, newest first
 * @returns {SceneJobs}
 */
export function mergeJobs(asked, known, listed) {
  const merged = new Map(known);
  for (const job of listed.toReversed()) {
    const before = known.get(job.id);
    // What was given up here may still be running in an answer that was on its way.
    if (before ? !isOver(before) : !isOver(job)) merged.set(job.id, job);
  }
  const ids = new Set(listed.map(({ id }) => id));
  for (const [id, job] of known) {
    if (asked.has(id) && !ids.has(id) && !isOver(job)) merged.set(id, lost(job));
  }
  return merged;
}

/**
 * @param {SceneJobs} before
 * @param {SceneJobs} after
 * @returns {SceneJob[]} those that were made in between
 */
export function justDone(before, after) {
  return [...after.values()].filter(({ id, state }) => state === "done" && before.get(id)?.state !== "done");
}

/**
 * The server was started anew, or has forgotten it among many.
 *
 * @param {SceneJob} job
 * @returns {SceneJob}
 */
function lost(job) {
  return { ...job, state: "failed", step: null, fraction: null, code: "sceneJobUnknown", message: null };
}
