// @ts-check
// The REST resource of the models: what there is, what it needs, and whether it is here. Pulls and benchmarks are jobs.

import { request, send } from "./rest.js";

/**
 * @typedef {object} ModelState
 * @property {"ready" | "absent" | "partial" | "damaged" | "pulling" | "loading" | "loaded" | "parked" | "failed"} kind
 * @property {string | null} [job_id] of the pull
 * @property {string | null} [reason] why it is damaged, or why loading failed
 * @property {number | null} [done_bytes] that are on the disk while not all are
 * @property {number | null} [total_bytes]
 */

/** @typedef {{ ram_bytes: number, vram_bytes: number, disk_bytes: number }} ModelNeeds */
/** @typedef {{ kind: "fits" | "tight" | "does_not_fit" | "unknown", reason: string | null }} ModelFit */

/**
 * @typedef {object} LibraryModel
 * @property {string} id
 * @property {"engine" | "support"} kind `support`: it helps to check pictures, or to write or paint scenes
 * @property {string} title
 * @property {string} description
 * @property {string} licence an SPDX identifier
 * @property {string} model_type
 * @property {string[]} quants number formats, the usual one first
 * @property {string | null} placement
 * @property {number | null} size_bytes of its files; null if it has none
 * @property {boolean} built_in it comes with the server, and is neither pulled nor deleted
 * @property {boolean} in_place it is a folder of a person's own, which the server leaves as it is
 * @property {string | null} use what the server uses it for, in words; null for nothing
 * @property {ModelState} state
 * @property {ModelNeeds | null} needs as estimated
 * @property {ModelFit | null} fit beside what is loaded now
 * @property {{ ram_bytes: number | null, vram_bytes: number | null, fps: number | null } | null} measured on this machine
 * @property {{ frames_per_pass: number, fps: number, control_ms: number } | null} pace
 * @property {{ id: string, revision: string, size_bytes: number, licence: string, gated: boolean }[]} repositories
 */

/** @typedef {{ models: LibraryModel[], disk_free_bytes: number | null }} ModelLibrary `disk_free_bytes`: null if the system does not say */

const PATH = "/api/library";
const LOADED_PATH = "/api/loaded-models";

/** @returns {Promise<ModelLibrary>} */
export async function fetchModelLibrary() {
  return (await request(PATH)).json();
}

/**
 * Begin to load a model; its state tells when it is loaded.
 *
 * @param {string} id
 * @param {string} quant
 * @param {boolean} anyway even if it is not expected to fit
 */
export async function loadModel(id, quant, anyway) {
  await send(pathOf(id, LOADED_PATH), "PUT", { quant, anyway });
}

/** @param {string} id */
export async function unloadModel(id) {
  await request(pathOf(id, LOADED_PATH), { method: "DELETE" });
}

/**
 * Delete its files.
 *
 * @param {string} id
 */
export async function deleteModel(id) {
  await request(pathOf(id), { method: "DELETE" });
}

/**
 * @param {string} id whose slashes are part of the path
 * @param {string} collection
 */
function pathOf(id, collection = PATH) {
  return `${collection}/${id.split("/").map(encodeURIComponent).join("/")}`;
}
