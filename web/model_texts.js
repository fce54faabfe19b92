// @ts-check
// Texts about models: what they take, whether they fit here, how fast they are, and what they are busy with.

import { fractionText, progressText } from "./job_texts.js";
import { sizeText } from "./recording_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { Job } from "./jobs_rest.js" */
/** @import { LibraryModel } from "./models_rest.js" */

/** A screen shows a frame in so many ms; whatever follows keys within it follows them at once. */
const FRAME_MS = 20;

/**
 * @param {LibraryModel} model
 * @param {Job | null} pull
 */
export function stateText({ state, built_in, in_place }, pull) {
  if (pull) return progressText(pull);
  if (in_place && state.kind === "ready") return phrase("models.inPlace");
  return built_in && state.kind === "ready" ? phrase("models.builtIn") : phrase(`modelStates.${state.kind}`);
}

/**
 * @param {LibraryModel} model
 * @param {Job | null} pull
 * @returns {string} how far a pull is, or was when it ended; empty if there is nothing to tell
 */
export function amountText({ state, size_bytes }, pull) {
  const done = pull?.amounts?.done_bytes ?? state.done_bytes;
  const total = pull?.amounts?.total_bytes ?? state.total_bytes ?? size_bytes;
  const bytes = typeof done === "number" && total ? phrase("models.bytesOf", { done: sizeText(done), total: sizeText(total) }) : "";
  const files = pull?.amounts?.total_files ? filesText(pull.amounts.done_files ?? 0, pull.amounts.total_files) : "";
  return [bytes, files, pull ? fractionText(pull) : ""].filter(Boolean).join(", ");
}

/**
 * @param {number} done
 * @param {number} total
 */
function filesText(done, total) {
  return phrase("models.fileOf", { number: Math.min(done + 1, total), count: total });
}

/** @param {LibraryModel} model */
export function sizeFact({ size_bytes, built_in }) {
  if (size_bytes) return sizeText(size_bytes);
  return built_in ? phrase("models.nothingToPull") : phrase("models.unknown");
}

/** @param {LibraryModel} model */
export function licenceFact({ licence, repositories }) {
  const gated = repositories.some((one) => one.gated);
  return gated ? phrase("models.gated", { licence }) : licence;
}

/** @param {LibraryModel} model */
export function needsFact({ needs }) {
  if (!needs) return phrase("models.notKnownYet");
  const parts = [
    needs.vram_bytes > 0 ? phrase("models.vram", { size: sizeText(needs.vram_bytes) }) : "",
    needs.ram_bytes > 0 ? phrase("models.ram", { size: sizeText(needs.ram_bytes) }) : "",
  ].filter(Boolean);
  return parts.join(", ") || phrase("models.nextToNothing");
}

/**
 * @param {LibraryModel} model
 * @returns {string} in words how finely the world follows keys; empty if it makes no world
 */
export function paceFact({ pace }) {
  if (!pace) return "";
  const { frames_per_pass, fps, control_ms } = pace;
  const rate = Math.round(fps);
  if (frames_per_pass === 1 || control_ms <= FRAME_MS) return phrase("models.paceEach", { fps: rate });
  return phrase("models.paceGroups", { fps: rate, frames: frames_per_pass, count: Math.round(1000 / control_ms) });
}

/**
 * @param {LibraryModel} model
 * @returns {string} what was measured here; empty before anything was
 */
export function measuredFact({ measured }) {
  if (!measured) return "";
  const { fps, vram_bytes, ram_bytes } = measured;
  return [
    fps ? phrase("models.fpsHere", { fps: fps < 10 ? fps.toFixed(1) : Math.round(fps) }) : "",
    vram_bytes ? phrase("models.tookVram", { size: sizeText(vram_bytes) }) : "",
    ram_bytes ? phrase("models.tookRam", { size: sizeText(ram_bytes) }) : "",
  ].filter(Boolean).join(", ");
}

/**
 * @param {LibraryModel} model
 * @returns {string} empty while nothing is known, or nothing needs to be asked
 */
export function fitText({ fit, state }) {
  if (!fit || fit.kind === "unknown" || state.kind === "loaded") return fit?.reason && state.kind !== "loaded" ? fit.reason : "";
  const verdict = phrase(`modelFits.${fit.kind}`);
  return fit.reason ? phrase("models.fitBecause", { verdict, reason: fit.reason }) : phrase("models.fit", { verdict });
}

/**
 * @param {LibraryModel} model
 * @returns {string} empty for what is played
 */
export function useFact({ kind, use }) {
  return kind === "support" ? (use ?? phrase("models.noUse")) : "";
}

/** @param {number | null} bytes */
export function diskText(bytes) {
  return bytes === null ? "" : phrase("models.diskFree", { size: sizeText(bytes) });
}

/** @param {LibraryModel} model that has just been loaded, deleted, or whose pull has ended */
export function newsText(model) {
  return phrase("common.about", { what: model.title, about: stateText(model, null) });
}
