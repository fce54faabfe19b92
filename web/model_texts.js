// @ts-check
// Texts about models: what they take, whether they fit here, how fast they are, and what they are busy with.

import { fractionText, progressText } from "./job_texts.js";
import { sizeText } from "./recording_texts.js";

/** @import { Job } from "./jobs_rest.js" */
/** @import { ModelAction } from "./model_state.js" */
/** @import { LibraryModel } from "./models_rest.js" */

/** A screen shows a frame in so many ms; whatever follows keys within it follows them at once. */
const FRAME_MS = 20;

/** @type {Readonly<Record<ModelAction, string>>} */
export const ACTION_TEXTS = {
  pull: "Pull",
  resume: "Go on pulling",
  pullAgain: "Pull again",
  cancel: "Cancel",
  load: "Load",
  loadAnyway: "Load anyway",
  unload: "Unload",
  benchmark: "Measure",
  delete: "Delete",
};

export const DELETE_SURE = "Delete its files";
export const BUILT_IN = "Comes with Terrarium";
export const IN_PLACE = "In a folder of yours";
export const MUST_BE_OWNER = "Only the owner of the server can pull, load and delete models.";

/** @type {Readonly<Record<LibraryModel["state"]["kind"], string>>} */
const STATES = {
  ready: "On the disk",
  absent: "Not pulled yet",
  partial: "Pulled in part",
  damaged: "Damaged",
  pulling: "Being pulled",
  loading: "Being loaded",
  loaded: "Loaded",
  parked: "Ready in memory",
  failed: "Could not be loaded",
};

/**
 * @param {LibraryModel} model
 * @param {Job | null} pull
 */
export function stateText({ state, built_in, in_place }, pull) {
  if (pull) return progressText(pull);
  if (in_place && state.kind === "ready") return IN_PLACE;
  return built_in && state.kind === "ready" ? BUILT_IN : STATES[state.kind];
}

/**
 * @param {LibraryModel} model
 * @param {Job | null} pull
 * @returns {string} how far a pull is, or was when it ended; empty if there is nothing to tell
 */
export function amountText({ state, size_bytes }, pull) {
  const done = pull?.amounts?.done_bytes ?? state.done_bytes;
  const total = pull?.amounts?.total_bytes ?? state.total_bytes ?? size_bytes;
  const bytes = typeof done === "number" && total ? `${sizeText(done)} of ${sizeText(total)}` : "";
  const files = pull?.amounts ? `file ${Math.min(pull.amounts.done_files + 1, pull.amounts.total_files)} of ${pull.amounts.total_files}` : "";
  return [bytes, files, pull ? fractionText(pull) : ""].filter(Boolean).join(", ");
}

/** @param {LibraryModel} model */
export function sizeFact({ size_bytes, built_in }) {
  if (size_bytes) return sizeText(size_bytes);
  return built_in ? "nothing to pull" : "unknown";
}

/** @param {LibraryModel} model */
export function licenceFact({ licence, repositories }) {
  const gated = repositories.some((one) => one.gated);
  return gated ? `${licence}, to be accepted where the model is published` : licence;
}

/** @param {LibraryModel} model */
export function needsFact({ needs }) {
  if (!needs) return "not known yet";
  const parts = [
    needs.vram_bytes > 0 ? `${sizeText(needs.vram_bytes)} of the graphics card's memory` : "",
    needs.ram_bytes > 0 ? `${sizeText(needs.ram_bytes)} of memory` : "",
  ].filter(Boolean);
  return parts.join(", ") || "next to nothing";
}

/**
 * @param {LibraryModel} model
 * @returns {string} in words how finely the world follows keys; empty if it makes no world
 */
export function paceFact({ pace }) {
  if (!pace) return "";
  const { frames_per_pass, fps, control_ms } = pace;
  if (frames_per_pass === 1 || control_ms <= FRAME_MS) return `${Math.round(fps)} frames/s, each follows your keys`;
  const times = Math.round(1000 / control_ms);
  return `${Math.round(fps)} frames/s in groups of ${frames_per_pass}: it looks at your keys ${times} times a second`;
}

/**
 * @param {LibraryModel} model
 * @returns {string} what was measured here; empty before anything was
 */
export function measuredFact({ measured }) {
  if (!measured) return "";
  const { fps, vram_bytes, ram_bytes } = measured;
  return [
    fps ? `${fps < 10 ? fps.toFixed(1) : Math.round(fps)} frames/s here` : "",
    vram_bytes ? `took ${sizeText(vram_bytes)} of the graphics card's memory` : "",
    ram_bytes ? `took ${sizeText(ram_bytes)} of memory` : "",
  ].filter(Boolean).join(", ");
}

/**
 * @param {LibraryModel} model
 * @returns {string} empty while nothing is known, or nothing needs to be asked
 */
export function fitText({ fit, state }) {
  if (!fit || fit.kind === "unknown" || state.kind === "loaded") return fit?.reason && state.kind !== "loaded" ? fit.reason : "";
  const verdict = { fits: "Fits here", tight: "Fits here, but only just", does_not_fit: "Does not fit here" }[fit.kind];
  return fit.reason ? `${verdict}. ${fit.reason}` : `${verdict}.`;
}

/**
 * @param {LibraryModel} model
 * @returns {string} empty for what is played
 */
export function useFact({ kind, use }) {
  return kind === "support" ? (use ?? "nothing, by the settings") : "";
}

/** @param {number | null} bytes */
export function diskText(bytes) {
  return bytes === null ? "" : `${sizeText(bytes)} are free on the disk.`;
}

/** @param {LibraryModel} model that has just been loaded, deleted, or whose pull has ended */
export function newsText(model) {
  return `${model.title}: ${stateText(model, null)}`;
}
