// @ts-check
// What a film will cost here: frames, steps, memory, and time as far as earlier films tell.

import { hasOwnSize } from "./studio_draft.js";

/** @import { Film, VideoSpecs } from "./films_rest.js" */
/** @import { Draft } from "./studio_draft.js" */
/** @import { Footage } from "./studio_footage.js" */

/** The model makes 8 k + 1 frames. */
const FRAME_STEP = 8;
/** How much of a film the model looks at on each side of what it makes. */
const CONTEXT_S = 1;
const USUAL_FPS = 24;
/** So many films, the newest ones, tell how fast this machine is. */
const MEASURED_FILMS = 5;

/**
 * @typedef {object} Cost null where it is not known
 * @property {number | null} frames that the model makes at once
 * @property {number} steps
 * @property {number | null} seconds that it will take
 * @property {number | null} memoryBytes
 * @property {number | null} longestS the longest film of this size and rate
 */

/**
 * @param {Draft} draft
 * @param {VideoSpecs} specs
 * @param {readonly Film[]} films newest first
 * @param {Footage | null} source
 * @returns {Cost}
 */
export function costOf(draft, specs, films, source) {
  const shape = shapeOf(draft, specs, source);
  const pace = paceOf(films, specs.model);
  const work = shape && shape.width * shape.height * shape.frames;
  return {
    frames: shape?.frames ?? null,
    steps: specs.steps,
    seconds: work && pace ? work * pace : null,
    memoryBytes: specs.memory_bytes,
    longestS: longestOf(draft, specs),
  };
}

/**
 * @param {Draft} draft
 * @param {VideoSpecs} specs
 * @returns {number | null} null for a size that has no name
 */
export function longestOf({ way, width, height, fps }, specs) {
  if (!hasOwnSize(way)) return null;
  const size = specs.sizes.find((one) => one.width === width && one.height === height);
  const rate = fps === null ? 0 : specs.rates.indexOf(fps);
  return size?.seconds[rate] ?? null;
}

/**
 * @param {Draft} draft
 * @param {VideoSpecs} specs
 * @param {Footage | null} source
 * @returns {{ width: number, height: number, frames: number } | null}
 */
function shapeOf(draft, specs, source) {
  const fps = (hasOwnSize(draft.way) ? draft.fps : null) ?? source?.fps ?? specs.rates[0] ?? USUAL_FPS;
  const scale = draft.way === "upscale" ? 2 : 1;
  const width = (hasOwnSize(draft.way) ? draft.width : null) ?? source?.width;
  const height = (hasOwnSize(draft.way) ? draft.height : null) ?? source?.height;
  const seconds = madeSeconds(draft, source);
  if (!width || !height || seconds === null || seconds <= 0) return null;
  return { width: width * scale, height: height * scale, frames: framesOf(seconds, fps) };
}

/**
 * @param {number} seconds
 * @param {number} fps
 * @returns {number} as many frames as the model makes for it
 */
export function framesOf(seconds, fps) {
  return Math.max(0, Math.ceil((seconds * fps - 1 - 1e-6) / FRAME_STEP)) * FRAME_STEP + 1;
}

/**
 * @param {Draft} draft
 * @param {Footage | null} source
 * @returns {number | null} how much of a film the model makes at once, what it looks at included
 */
function madeSeconds(draft, source) {
  switch (draft.way) {
    case "retake":
      return Math.min(draft.startS, CONTEXT_S) + draft.endS - draft.startS + CONTEXT_S;
    case "extension":
      return CONTEXT_S + draft.addedS;
    case "joining":
      return 2 * CONTEXT_S + draft.addedS;
    case "upscale":
      return source?.seconds ?? null;
    default:
      return draft.seconds ?? source?.seconds ?? null;
  }
}

/**
 * @param {readonly Film[]} films newest first
 * @param {string} model
 * @returns {number | null} seconds for a pixel of a frame, of those films whose every frame the model has made
 */
function paceOf(films, model) {
  const paces = films.flatMap(({ state, way, model: made, width, height, frames, timings_s }) => {
    if (state !== "done" || made !== model || !hasOwnSize(way) || !width || !height || !frames || !timings_s) return [];
    const seconds = Object.entries(timings_s).reduce((sum, [stage, one]) => (stage === "loading" ? sum : sum + one), 0);
    return [seconds / (width * height * frames)];
  });
  const newest = paces.slice(0, MEASURED_FILMS).sort((one, other) => one - other);
  return newest[Math.floor(newest.length / 2)] ?? null;
}
