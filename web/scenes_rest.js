// @ts-check
// The jobs that make scenes for the gallery, by the REST resource of jobs.

import { request } from "./rest.js";

/** @import { ErrorCode } from "./protocol.generated.d.ts" */

/**
 * @typedef {object} SceneJob
 * @property {string} id
 * @property {string} prompt
 * @property {"waiting" | "running" | "done" | "failed" | "cancelled"} state
 * @property {string | null} step the present step while it runs
 * @property {number | null} fraction of that step
 * @property {string | null} seed_hash of the picture, once it is done
 * @property {ErrorCode | null} code why it failed
 * @property {string | null} message
 */

/**
 * @typedef {object} Job as the server tells it, in what a scene needs
 * @property {string} id
 * @property {"queued" | "running" | "finishing" | "done" | "failed" | "cancelled" | "interrupted"} state
 * @property {{ prompt: string }} request
 * @property {string | null} stage
 * @property {number | null} fraction
 * @property {{ seed_hash: string } | null} result
 * @property {{ code: ErrorCode, message: string } | null} fault
 */

const PATH = "/api/jobs";
const STATES = /** @type {const} */ ({
  queued: "waiting",
  running: "running",
  finishing: "running",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "failed",
});

/** @returns {Promise<SceneJob[]>} newest first */
export async function fetchSceneJobs() {
  /** @type {{ jobs: Job[] }} */
  const { jobs } = await (await request(`${PATH}?kind=scene&limit=50`)).json();
  return jobs.map(sceneJob);
}

/**
 * @param {string} prompt
 * @returns {Promise<SceneJob>}
 */
export async function beginScene(prompt) {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const body = JSON.stringify({ kind: "scene", request: { prompt } });
  return sceneJob(await (await request(PATH, { method: "POST", headers, body })).json());
}

/** @param {string} id */
export async function cancelScene(id) {
  await request(`${PATH}/${id}/cancel`, { method: "POST" });
}

/**
 * @param {Job} job
 * @returns {SceneJob}
 */
function sceneJob({ id, state, request: { prompt }, stage, fraction, result, fault }) {
  return {
    id,
    prompt,
    state: STATES[state],
    step: stage,
    fraction,
    seed_hash: result?.seed_hash ?? null,
    code: fault?.code ?? null,
    message: fault?.message ?? null,
  };
}
