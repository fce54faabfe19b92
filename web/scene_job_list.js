// @ts-check
// The jobs that the page knows, and how an answer of the server changes them.

/** @import { SceneJob } from "./scenes_rest.js" */

/** @typedef {ReadonlyMap<string, SceneJob>} SceneJobs by id, oldest first */

/** @param {SceneJob} job */
export function isOver({ state }) {
  return state === "done" || state === "failed" || state === "cancelled";
}

/**
 * Jobs that other pages began are followed too, unless they were over before this page saw them.
 *
 * @param {SceneJobs} asked jobs that were known when the request was sent; only these can be missing from the answer
 * @param {SceneJobs} known jobs that are known now
 * @param {readonly SceneJob[]} listed its answer, newest first
 * @returns {SceneJobs}
 */
export function mergeJobs(asked, known, listed) {
  const merged = new Map(known);
  for (const job of listed.toReversed()) {
    const before = known.get(job.id);
    // A job that was cancelled here may still be listed in an answer that was on its way.
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
 * @returns {SceneJob[]} the jobs that were completed in between
 */
export function justDone(before, after) {
  return [...after.values()].filter(({ id, state }) => state === "done" && before.get(id)?.state !== "done");
}

/**
 * A job that the server does not know any more, because it was restarted or has dropped old jobs.
 *
 * @param {SceneJob} job
 * @returns {SceneJob}
 */
function lost(job) {
  return { ...job, state: "failed", step: null, fraction: null, code: "jobUnknown", message: null };
}
