// @ts-check
// The REST resources that the page reads: seeds, models, health.

/** @import { ErrorCode } from "./protocol.generated.d.ts" */

/**
 * @typedef {object} SeedSummary
 * @property {string} hash SHA-256 of the picture file; empty for a saved world
 * @property {string} [world_id] the id of a saved world, whose place the picture shows
 * @property {string} title
 * @property {string} description
 * @property {"shipped" | "uploaded"} origin
 * @property {number} width
 * @property {number} height
 * @property {number} size_bytes
 * @property {string} image_url
 * @property {string} thumbnail_url
 * @property {string} model the engine that it opens in where nobody chooses one
 * @property {string | null} [prompt] that it was generated from
 */

/**
 * @typedef {object} PickerModel
 * @property {string} id
 * @property {number | null} size_bytes
 * @property {boolean} is_local
 * @property {string | null} model_type
 * @property {string} title
 * @property {string} description
 * @property {string} licence
 * @property {boolean} loaded
 */

/**
 * @typedef {object} SafetyHealth
 * @property {boolean} loaded pictures can be judged
 * @property {"strict" | "off"} policy
 * @property {string | null} reason why they cannot be judged
 * @property {string | null} revision
 */

/**
 * @typedef {object} Health
 * @property {string} version
 * @property {string} default_model
 * @property {SafetyHealth} safety
 * @property {{ available: boolean, reason: string | null }} authoring
 * @property {boolean} startup_complete
 */

export class RestError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 if there was no answer
   * @param {ErrorCode | null} code
   */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param {number} status
 * @param {string} body
 */
export function restErrorOf(status, body) {
  try {
    const { code, message } = JSON.parse(body);
    if (typeof message === "string") return new RestError(message, status, code ?? null);
  } catch {
    // A proxy may answer with HTML.
  }
  return new RestError(`The server answered with status ${status}.`, status, null);
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 * @throws {RestError}
 */
export async function request(path, options) {
  let response;
  try {
    response = await fetch(path, { headers: { accept: "application/json" }, ...options });
  } catch {
    throw new RestError("The server does not answer.", 0, null);
  }
  if (!response.ok) throw restErrorOf(response.status, await response.text());
  return response;
}

/** @returns {Promise<SeedSummary[]>} */
export async function fetchSeeds() {
  return (await (await request("/api/seeds")).json()).seeds;
}

/** @returns {Promise<PickerModel[]>} */
export async function fetchModels() {
  return (await request("/api/models?backend=world_engine")).json();
}

/** @returns {Promise<Health>} */
export async function fetchHealth() {
  return (await request("/health")).json();
}

/** @param {string} hash */
export async function deleteSeed(hash) {
  await request(`/api/seeds/${hash}`, { method: "DELETE" });
}
