// @ts-check
// Jobs for tests.

/** @import { Job } from "../jobs_rest.js" */

/**
 * @param {string} id
 * @param {Partial<Job>} [facts]
 * @returns {Job}
 */
export function job(id, facts = {}) {
  return {
    id,
    kind: "scene",
    state: "queued",
    request: { prompt: id },
    stage: null,
    fraction: null,
    position: null,
    waiting_s: null,
    remaining_s: null,
    result: null,
    files: [],
    fault: null,
    attempt: 1,
    created_at: 1_700_000_000,
    started_at: null,
    ended_at: null,
    cancelling: false,
    can_retry: false,
    ...facts,
  };
}

/** @param {Job[]} jobs */
export const known = (...jobs) => new Map(jobs.map((one) => [one.id, one]));

/** @param {ReadonlyMap<string, Job> | null} jobs */
export const states = (jobs) => [...(jobs?.values() ?? [])].map(({ id, state }) => `${id} ${state}`);
