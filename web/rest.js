// @ts-check
// The REST resources that the page reads: seeds, models, health.

import { phrase } from "./texts/texts.js";

/** @import { ErrorCode } from "./protocol.generated.d.ts" */
/** @import { SettingsFault } from "./server_settings_rest.js" */

const UNAUTHORISED = 401;

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
 * @property {boolean} parked it waits in host memory, to come back without a load
 * @property {boolean} takes_words a prompt can steer its worlds
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
 * @property {SettingsFault | null} [settingsFault] why the settings file cannot be used; the last good ones go on
 */

export class RestError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 if there was no answer
   * @param {ErrorCode | null} code
   * @param {Readonly<Record<string, string>>} faults what is wrong with each of several values that were sent
   */
  constructor(message, status, code, faults = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

/** Tells, by an event `refused`, that an answer said that the visitor has to sign in. */
export const signInWatch = new EventTarget();

/**
 * @param {number} status
 * @param {string} body
 */
export function restErrorOf(status, body) {
  if (status === UNAUTHORISED) signInWatch.dispatchEvent(new Event("refused"));
  try {
    const { code, message, faults } = JSON.parse(body);
    if (typeof message === "string") return new RestError(message, status, code ?? null, faults ?? {});
  } catch {
    // A proxy may answer with HTML.
  }
  return new RestError(phrase("problems.status", { status }), status, null);
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
    throw new RestError(phrase("common.noAnswer"), 0, null);
  }
  if (!response.ok) throw restErrorOf(response.status, await response.text());
  return response;
}

/**
 * @param {string} path
 * @param {"POST" | "PUT" | "PATCH"} method
 * @param {unknown} body
 * @param {Readonly<Record<string, string>>} [headers] further ones
 * @returns {Promise<Response>}
 * @throws {RestError}
 */
export function send(path, method, body, headers = {}) {
  const json = { accept: "application/json", "content-type": "application/json" };
  return request(path, { method, headers: { ...json, ...headers }, body: JSON.stringify(body) });
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
