// @ts-check
// The REST resource of films: what can be made, what is made, and what it is made from.

import { request, RestError, restErrorOf, send } from "./rest.js";
import { phrase } from "./texts/texts.js";

/** @import { JobState } from "./jobs_rest.js" */
/** @import { ErrorCode } from "./protocol.generated.d.ts" */
/** @import { SeedSummary } from "./rest.js" */

/** @typedef {"words" | "pictures" | "sound" | "retake" | "extension" | "joining" | "control" | "upscale"} WayName */
/** @typedef {{ source: string } | { film: string } | { recording: string }} SourceRef */
/** @typedef {{ seed: string, at: "first" | "last" | number, strength?: number }} PictureRef */
/** @typedef {{ name: string, strength: number }} LoraRef */

/**
 * @typedef {{ kind: "words" }
 *   | { kind: "pictures", pictures: PictureRef[] }
 *   | { kind: "sound", sound: SourceRef }
 *   | { kind: "retake", source: SourceRef, start_s: number, end_s: number, what: "picture" | "sound" | "both" }
 *   | { kind: "extension", source: SourceRef, side: "start" | "end", added_s: number }
 *   | { kind: "joining", before: SourceRef, after: SourceRef, between_s: number }
 *   | { kind: "control", source: SourceRef, control: "depth" | "edges" | "pose" | "as_is" }
 *   | { kind: "upscale", source: SourceRef }} Way
 */

/**
 * @typedef {object} Wish what is the same for all ways
 * @property {string} [prompt]
 * @property {boolean} [write_prompt] have the prompt written out
 * @property {string} [negative_prompt]
 * @property {number | null} [seed]
 * @property {string | null} [camera]
 * @property {LoraRef[]} [loras]
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {number | null} [seconds]
 * @property {number | null} [fps]
 * @property {boolean} [upscale]
 */

/** @typedef {Wish & { way: Way, model?: string | null }} FilmRequest */

/**
 * @typedef {object} Film its id is that of the job that makes it
 * @property {string} id
 * @property {JobState} state
 * @property {WayName} way
 * @property {string} prompt
 * @property {string | null} [written_prompt] what the prompt writer made of the prompt
 * @property {number} seed
 * @property {FilmRequest} request that makes it again
 * @property {number} created_at seconds since the Unix epoch
 * @property {{ code: ErrorCode, message: string } | null} [fault] why there is none
 * @property {string | null} [model] this and the rest is known of a film that is made
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {number | null} [frames]
 * @property {number | null} [fps]
 * @property {number | null} [seconds]
 * @property {boolean | null} [has_sound]
 * @property {number | null} [size_bytes]
 * @property {Record<string, number> | null} [timings_s] by stage
 * @property {string | null} [content_url]
 * @property {string | null} [thumbnail_url]
 * @property {string | null} [sprite_url]
 */

/** @typedef {{ films: Film[], next: string | null, usage: { used_bytes: number, quota_bytes: number } }} FilmsPage */

/**
 * @typedef {object} FilmSource a video or a sound that was sent in
 * @property {string} hash
 * @property {string} title
 * @property {number} seconds
 * @property {number | null} width null for a sound
 * @property {number | null} height
 * @property {number | null} fps
 * @property {boolean} has_sound
 * @property {string} content_url
 */

/** @typedef {{ name: string, width: number, height: number, seconds: number[] }} FilmSize `seconds`: the longest, by rate */

/**
 * @typedef {object} VideoSpecs what can be made here
 * @property {string} model
 * @property {boolean} is_ready
 * @property {boolean} is_loaded
 * @property {string | null} why_not a sentence, where nothing can be made
 * @property {string | null} why_waiting a sentence, where films wait
 * @property {FilmSize[]} sizes
 * @property {number[]} rates
 * @property {{ way: WayName, why_not: string | null }[]} ways
 * @property {{ control: "depth" | "edges" | "pose" | "as_is", why_not: string | null, takes_lora: boolean }[]} controls
 * @property {{ camera: string, by: "lora" | "words" }[]} cameras
 * @property {string[]} loras
 * @property {string | null} why_no_loras
 * @property {string | null} why_no_upscale
 * @property {string | null} why_no_writing a sentence, where no prompt can be written out
 * @property {number} steps
 * @property {boolean} has_negative
 * @property {number} smallest_side
 * @property {number} largest_side
 * @property {number} side_step
 * @property {number} longest_prompt
 * @property {number} most_pictures
 * @property {number} most_loras
 * @property {number} strongest_lora
 * @property {number} sprite_tiles
 * @property {number | null} memory_bytes
 */

const PATH = "/api/video";

/** @returns {Promise<VideoSpecs>} */
export async function fetchVideoSpecs() {
  return (await request(`${PATH}/specs`)).json();
}

/**
 * @param {number} limit
 * @param {string | null} before `next` of the page before
 * @returns {Promise<FilmsPage>}
 */
export async function fetchFilms(limit, before = null) {
  const query = new URLSearchParams({ limit: String(limit), ...(before === null ? {} : { before }) });
  return (await request(`${PATH}/films?${query}`)).json();
}

/**
 * Have a film made. If the answer is lost, it is asked once more with the same key, which makes no second film.
 *
 * @param {FilmRequest} wanted
 * @returns {Promise<Film>}
 * @throws {RestError}
 */
export function askForFilm({ way, ...wish }) {
  const { kind, ...parts } = way;
  return post(`${PATH}/${kind}`, { ...wish, ...parts });
}

/**
 * Have a film made once more, as it was.
 *
 * @param {string} id
 * @returns {Promise<Film>}
 */
export function makeFilmAgain(id) {
  return post(`${PATH}/films/${id}/again`, {});
}

/**
 * @param {string} id of a film in the making
 * @param {number} count of its previews so far, of which this is the last one
 */
export function previewUrl(id, count) {
  return `${PATH}/films/${id}/preview?number=${count}`;
}

/**
 * Delete a film, or forget one that was not made.
 *
 * @param {string} id
 */
export async function deleteFilm(id) {
  await request(`${PATH}/films/${id}`, { method: "DELETE" });
}

/**
 * @param {SourceRef} source
 * @param {number} at_s
 * @param {string} title
 * @returns {Promise<SeedSummary>} the frame, as a picture of the gallery
 */
export async function walkInto(source, at_s, title) {
  return (await send(`${PATH}/walk-into`, "POST", { source, at_s, title })).json();
}

/** @returns {Promise<FilmSource[]>} */
export async function fetchFilmSources() {
  return (await (await request(`${PATH}/sources`)).json()).sources;
}

/**
 * Uses XMLHttpRequest, because fetch does not report the progress of an upload.
 *
 * @param {File} file
 * @param {string} title
 * @param {(fraction: number) => void} onProgress
 * @returns {Promise<FilmSource>}
 */
export function uploadFilmSource(file, title, onProgress) {
  return new Promise((resolve, reject) => {
    const upload = new XMLHttpRequest();
    upload.open("POST", `${PATH}/sources?title=${encodeURIComponent(title)}`);
    upload.setRequestHeader("content-type", file.type || "application/octet-stream");
    upload.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    upload.addEventListener("load", () => {
      if (upload.status < 300) resolve(JSON.parse(upload.responseText));
      else reject(restErrorOf(upload.status, upload.responseText));
    });
    upload.addEventListener("error", () => reject(new RestError(phrase("common.noAnswer"), 0, null)));
    upload.send(file);
  });
}

/**
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<Film>}
 */
async function post(path, body) {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const ask = async () => (await send(path, "POST", body, { "idempotency-key": key })).json();
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RestError && error.status === 0)) throw error;
    return ask();
  }
}
