// @ts-check
// What can be done with a model, as decided by its state, its jobs and who asks.

import { isOver } from "./job_list.js";

/** @import { Jobs } from "./job_list.js" */
/** @import { Job } from "./jobs_rest.js" */
/** @import { LibraryModel } from "./models_rest.js" */

/** @typedef {"pull" | "resume" | "pullAgain" | "cancel" | "load" | "loadAnyway" | "unload" | "benchmark" | "delete"} ModelAction */

/**
 * @param {Jobs | null} jobs
 * @param {string} kind
 * @param {string} model
 * @returns {Job | null} the job of this kind that waits or runs for the model
 */
export function liveJob(jobs, kind, model) {
  const all = [...(jobs?.values() ?? [])];
  return all.find((job) => job.kind === kind && job.request.model === model && !isOver(job)) ?? null;
}

/**
 * @param {LibraryModel} model
 * @param {boolean} isPulling whether a job pulls it, which the model's own state may not tell yet
 * @param {boolean} isBenchmarking
 * @returns {ModelAction[]} the likeliest first
 */
export function actionsOf({ kind, state, built_in: isBuiltIn, in_place: isInPlace, fit }, isPulling, isBenchmarking) {
  if (isPulling || state.kind === "pulling") return ["cancel"];
  /** @type {ModelAction[]} */
  const disposal = isBuiltIn || isInPlace ? [] : ["delete"];
  switch (state.kind) {
    case "absent":
      return ["pull"];
    case "partial":
      return ["resume", ...disposal];
    case "damaged":
      return ["pullAgain", ...disposal];
    case "loading":
      return [];
    case "loaded":
      if (kind === "support") return [];
      return isBenchmarking ? ["unload"] : ["unload", "benchmark"];
    case "parked":
      return isBenchmarking ? ["load", "unload"] : ["load", "unload", "benchmark"];
    case "ready":
    case "failed": {
      // The server loads what helps it by itself, when it is needed.
      if (kind === "support") return disposal;
      const load = fit?.kind === "does_not_fit" ? "loadAnyway" : "load";
      return isBenchmarking ? [load] : [load, "benchmark", ...disposal];
    }
  }
}

/**
 * @param {LibraryModel} model
 * @param {Job | null} pull
 * @returns {number | null} how much of the files is here; null if that is unknown
 */
export function pulledFraction({ state, size_bytes }, pull) {
  const amounts = pull?.amounts;
  const done = amounts?.done_bytes ?? state.done_bytes;
  const total = amounts?.total_bytes ?? state.total_bytes ?? size_bytes;
  if (typeof done === "number" && total) return Math.min(done / total, 1);
  return pull?.fraction ?? null;
}
