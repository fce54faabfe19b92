// @ts-check
// The REST resource of scenes that are generated for the gallery.

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

const PATH = "/api/scenes";

/** @returns {Promise<SceneJob[]>} newest first */
export async function fetchSceneJobs() {
  return (await (await request(PATH)).json()).jobs;
}

/**
 * @param {string} prompt
 * @returns {Promise<SceneJob>}
 */
export async function beginScene(prompt) {
  const headers = { accept: "application/json", "content-type": "application/json" };
  return (await request(PATH, { method: "POST", headers, body: JSON.stringify({ prompt }) })).json();
}

/** @param {string} id */
export async function cancelScene(id) {
  await request(`${PATH}/jobs/${id}`, { method: "DELETE" });
}
