// @ts-check
// The REST resource of jobs, and the addresses of their events and files.

import { request, RestError } from "./rest.js";

/** @import { ErrorCode } from "./protocol.generated.d.ts" */

/** @typedef {"queued" | "running" | "finishing" | "done" | "failed" | "cancelled" | "interrupted"} JobState */

/**
 * @typedef {object} JobResult each kind of job has some of these
 * @property {string} [seed_hash] of the picture that a scene has become
 * @property {string} [title] of the world that was filmed
 * @property {number} [bytes] size of the film
 * @property {number} [seconds] of the world's own time that a script has played
 * @property {boolean | null} [is_exact] whether the film shows what was played; null if that cannot be told
 * @property {string[]} [sentences] about the film, for people
 */

/**
 * @typedef {object} Amounts what the kind of job counts
 * @property {number} [done_bytes] of a pull
 * @property {number} [total_bytes]
 * @property {number} [done_files]
 * @property {number} [total_files]
 * @property {number} [step] of a film; so many are done
 * @property {number} [steps]
 * @property {number} [previews] how many pictures of the unfinished film there have been; the newest can be seen
 */

/**
 * @typedef {object} Job
 * @property {string} id ids are sorted by age
 * @property {string} kind `scene`, `replay_film`, `scripted_run`, `video` (a film), `model` (a pull), `benchmark`, or one that is newer than this page
 * @property {JobState} state
 * @property {{ prompt?: string, world_id?: string, model?: string, script?: { title: string, passes: number } }} request
 * @property {string | null} stage the present one while it runs
 * @property {number | null} fraction of that stage
 * @property {Amounts | null} [amounts] of a pull or a film
 * @property {number | null} position how many jobs begin before it while it is queued
 * @property {number | null} waiting_s seconds until it begins, if anything tells
 * @property {number | null} remaining_s seconds until its end, if anything tells
 * @property {JobResult | null} result once it is done
 * @property {{ role: string, media_type: string, bytes: number }[]} files what it has made, once it is done
 * @property {{ code: ErrorCode, message: string } | null} fault why it failed
 * @property {number} attempt from 1
 * @property {number} created_at seconds since the Unix epoch
 * @property {number | null} started_at
 * @property {number | null} ended_at
 * @property {boolean} cancelling it was asked to stop, and has not stopped yet
 * @property {boolean} can_retry
 */

/** @typedef {{ jobs: Job[], newest_event: number }} JobsPage newest first; events follow from `newest_event` on */

const PATH = "/api/jobs";
const JSON_HEADERS = { accept: "application/json", "content-type": "application/json" };

/**
 * @param {number} limit
 * @param {string | null} before id of a job: only older ones
 * @returns {Promise<JobsPage>}
 */
export async function fetchJobs(limit, before = null) {
  const query = new URLSearchParams({ limit: String(limit), ...(before === null ? {} : { before }) });
  return (await request(`${PATH}?${query}`)).json();
}

/**
 * @param {string} id
 * @returns {Promise<Job>}
 */
export async function fetchJob(id) {
  return (await request(`${PATH}/${id}`)).json();
}

/**
 * Have the server do a job. If the answer is lost, it is asked once more with the same key, which makes no second job.
 *
 * @param {string} kind
 * @param {Job["request"]} wanted
 * @returns {Promise<Job>}
 * @throws {RestError}
 */
export async function submitJob(kind, wanted) {
  const body = JSON.stringify({ kind, request: wanted });
  const options = { method: "POST", headers: { ...JSON_HEADERS, "idempotency-key": newKey() }, body };
  try {
    return await (await request(PATH, options)).json();
  } catch (error) {
    if (!(error instanceof RestError && error.status === 0)) throw error;
    return (await request(PATH, options)).json();
  }
}

/**
 * @param {string} id
 * @returns {Promise<Job>}
 */
export async function cancelJob(id) {
  return (await request(`${PATH}/${id}/cancel`, { method: "POST" })).json();
}

/**
 * @param {string} id
 * @returns {Promise<Job>}
 */
export async function retryJob(id) {
  return (await request(`${PATH}/${id}/retry`, { method: "POST" })).json();
}

/**
 * Remove a job that has ended, and its file.
 *
 * @param {string} id
 */
export async function removeJob(id) {
  await request(`${PATH}/${id}`, { method: "DELETE" });
}

/** @param {string} id of a job that has made a file */
export function jobFileUrl(id) {
  return `${PATH}/${id}/file`;
}

/** @param {number} after number of the newest event that is known */
export function eventsUrl(after) {
  return `/api/events?after=${after}`;
}

/** crypto.randomUUID exists only on pages from this machine or over HTTPS. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
