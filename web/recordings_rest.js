// @ts-check
// The REST resource of recordings.

import { request } from "./rest.js";

/**
 * @typedef {object} RecordingSummary
 * @property {string} name
 * @property {number} started_at seconds since the Unix epoch
 * @property {number} duration_s
 * @property {number} size_bytes
 * @property {number} width
 * @property {number} height
 * @property {string | null} play_session
 * @property {number | null} segment
 * @property {string | null} model
 * @property {string | null} seed
 * @property {string} video_url
 * @property {string} thumbnail_url
 */

/**
 * @typedef {object} UnfinishedRecording
 * @property {string} name
 * @property {"recording" | "finishing" | "waiting"} state
 * @property {number} started_at
 * @property {number} duration_s
 * @property {number | null} fraction
 * @property {string | null} code why it waits
 * @property {string | null} message the same as a sentence
 * @property {string | null} video_url what was recorded so far
 */

/**
 * @typedef {object} RecordingsPage
 * @property {RecordingSummary[]} recordings newest first
 * @property {string | null} next
 * @property {UnfinishedRecording[]} unfinished
 * @property {{ used_bytes: number, quota_bytes: number, free_bytes: number, recordings: number }} usage
 */

const PATH = "/api/recordings";

/**
 * @param {string | null} after `next` of the page before
 * @param {number} limit
 * @returns {Promise<RecordingsPage>}
 */
export async function fetchRecordings(after, limit) {
  const query = new URLSearchParams({ limit: String(limit), ...(after === null ? {} : { after }) });
  return (await request(`${PATH}?${query}`)).json();
}

/**
 * @param {string} name
 * @param {string} newName
 * @returns {Promise<RecordingSummary>}
 */
export async function renameRecording(name, newName) {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const body = JSON.stringify({ name: newName });
  return (await request(`${PATH}/${encodeURIComponent(name)}`, { method: "PATCH", headers, body })).json();
}

/** @param {string} name of one that waits to be finished */
export async function finishRecording(name) {
  await request(`${PATH}/${encodeURIComponent(name)}/finish`, { method: "POST" });
}

/** @param {string} name */
export async function deleteRecording(name) {
  await request(`${PATH}/${encodeURIComponent(name)}`, { method: "DELETE" });
}
