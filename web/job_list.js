// @ts-check
// The jobs that the page knows, and how events and answers of the server change them.

/** @import { Job, JobResult, JobState } from "./jobs_rest.js" */
/** @import { ErrorCode } from "./protocol.generated.d.ts" */

/** @typedef {ReadonlyMap<string, Job>} Jobs by id */

/**
 * @typedef {object} StateData
 * @property {string} job
 * @property {number} at seconds since the Unix epoch
 * @property {JobState} state
 * @property {number} attempt
 * @property {ErrorCode} [code]
 * @property {string} [message]
 * @property {JobResult} [result]
 * @property {Job["files"]} [files]
 */

/** @typedef {Pick<Job, "stage" | "fraction" | "position" | "waiting_s" | "remaining_s" | "amounts"> & { job: string }} ProgressData */

/**
 * @typedef {{ event: "state", data: StateData }
 *   | { event: "stage", data: { job: string, stage: string | null } }
 *   | { event: "cancelling", data: { job: string } }
 *   | { event: "progress", data: ProgressData }} JobEvent
 */

/** @type {Readonly<Record<JobState, number>>} an attempt goes through these in ascending order */
const RANKS = { queued: 0, running: 1, finishing: 2, done: 3, failed: 3, cancelled: 3, interrupted: 3 };

/** @param {Pick<Job, "state">} job */
export function isOver({ state }) {
  return RANKS[state] === RANKS.done;
}

/** @param {Jobs} jobs */
export function countLive(jobs) {
  return [...jobs.values()].filter((job) => !isOver(job)).length;
}

/** @param {Jobs} jobs */
export function newestFirst(jobs) {
  return [...jobs.values()].sort((one, other) => (one.id < other.id ? 1 : -1));
}

/**
 * @param {Jobs} jobs
 * @param {Job} job as an answer of the server tells it; events may have told newer things meanwhile
 * @returns {Jobs}
 */
export function withJob(jobs, job) {
  const known = jobs.get(job.id);
  return known && (known === job || order(job) < order(known)) ? jobs : new Map(jobs).set(job.id, job);
}

/**
 * @param {Jobs} jobs
 * @param {string} id
 * @returns {Jobs}
 */
export function withoutJob(jobs, id) {
  return new Map([...jobs].filter(([known]) => known !== id));
}

/**
 * @param {Jobs} asked jobs that were known when the list was asked for; only these can be missing from it
 * @param {Jobs} known jobs that are known now
 * @param {readonly Job[]} listed newest first
 * @param {boolean} isComplete whether there are no older jobs than those that are listed
 * @returns {Jobs}
 */
export function withList(asked, known, listed, isComplete) {
  const ids = new Set(listed.map(({ id }) => id));
  const oldest = isComplete ? "" : (listed.at(-1)?.id ?? "");
  const kept = [...known].filter(([id]) => ids.has(id) || !asked.has(id) || id < oldest);
  // A job that was removed meanwhile may still be listed.
  const added = listed.filter(({ id }) => known.has(id) || !asked.has(id));
  return added.reduce(withJob, /** @type {Jobs} */ (new Map(kept)));
}

/**
 * @param {Job} job
 * @param {JobEvent} told which may be older than what is known of the job
 * @returns {Job}
 */
export function afterEvent(job, told) {
  if (told.event === "state") return order(told.data) > order(job) ? afterState(job, told.data) : job;
  if (isOver(job)) return job;
  if (told.event === "cancelling") return { ...job, cancelling: true };
  if (told.event === "stage") return { ...job, stage: told.data.stage, fraction: null };
  const { stage, fraction, position, waiting_s, remaining_s, amounts = null } = told.data;
  return { ...job, stage, fraction, position, waiting_s, remaining_s, amounts };
}

/**
 * @param {Jobs | null} before null if nothing was known
 * @param {Jobs} after
 * @returns {Job[]} the jobs that have ended in between, also those that both began and ended unseen
 */
export function justEnded(before, after) {
  if (before === null) return [];
  const newest = [...before.keys()].reduce((one, other) => (one > other ? one : other), "");
  return [...after.values()].filter((job) => {
    const known = before.get(job.id);
    return isOver(job) && (known ? order(job) > order(known) : job.id > newest);
  });
}

/** @param {Pick<Job, "attempt" | "state">} job */
function order({ attempt, state }) {
  return attempt * Object.keys(RANKS).length + RANKS[state];
}

/**
 * @param {Job} job
 * @param {StateData} data
 * @returns {Job}
 */
function afterState(job, { state, attempt, at, code, message, result, files }) {
  const over = isOver({ state });
  return {
    ...job,
    state,
    attempt,
    stage: state === "queued" ? null : job.stage,
    fraction: null,
    position: null,
    waiting_s: null,
    remaining_s: null,
    result: result ?? null,
    files: files ?? [],
    fault: code ? { code, message: message ?? "" } : null,
    started_at: state === "running" ? at : state === "queued" ? null : job.started_at,
    ended_at: over ? at : null,
    cancelling: !over && state !== "queued" && job.cancelling,
    can_retry: over && state !== "done",
  };
}
