// @ts-check
// The REST resource of saved worlds.

import { request, restErrorOf, RestError } from "./rest.js";
import { phrase } from "./texts/texts.js";

/**
 * @typedef {object} SavedWorld
 * @property {string} id
 * @property {string} title
 * @property {"saved" | "uploaded"} origin
 * @property {string} model
 * @property {number} passes
 * @property {number} seconds of world time that it was played
 * @property {number} size_bytes
 * @property {number} created_at seconds since the Unix epoch
 * @property {string} file_url
 * @property {string} thumbnail_url
 */

const PATH = "/api/worlds";

/** @returns {Promise<SavedWorld[]>} newest first */
export async function fetchWorlds() {
  return (await (await request(PATH)).json()).worlds;
}

/**
 * Uses XMLHttpRequest, because fetch does not report the progress of an upload.
 *
 * @param {File} file
 * @param {(fraction: number) => void} onProgress
 * @returns {Promise<SavedWorld>}
 */
export function uploadWorld(file, onProgress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", PATH);
    sending.setRequestHeader("content-type", "application/octet-stream");
    sending.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    sending.addEventListener("load", () => {
      if (sending.status < 300) resolve(JSON.parse(sending.responseText));
      else reject(restErrorOf(sending.status, sending.responseText));
    });
    sending.addEventListener("error", () => reject(new RestError(phrase("common.noAnswer"), 0, null)));
    sending.send(file);
  });
}

/**
 * @param {string} id
 * @param {string} title
 * @returns {Promise<SavedWorld>}
 */
export async function renameWorld(id, title) {
  const headers = { accept: "application/json", "content-type": "application/json" };
  return (await request(`${PATH}/${id}`, { method: "PATCH", headers, body: JSON.stringify({ title }) })).json();
}

/** @param {string} id */
export async function deleteWorld(id) {
  await request(`${PATH}/${id}`, { method: "DELETE" });
}
