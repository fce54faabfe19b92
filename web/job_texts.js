// @ts-check
// Texts about jobs: what they make, what they are busy with, and what became of them.

import { failureText, shortened } from "./authoring_texts.js";
import { isOver } from "./job_list.js";
import { dateText, sizeText, timeText } from "./recording_texts.js";
import { CODE_TEXTS, PROGRESS_TEXTS } from "./texts.js";

/** @import { Job } from "./jobs_rest.js" */

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 24 * 3600;

/** @type {Readonly<Record<string, string>>} */
const KINDS = {
  scene: "Scene",
  replay_film: "Film of a world",
  video: "Film",
  model: "Pull of a model",
  benchmark: "Measurement",
};

/** @type {Readonly<Record<string, string>>} by the server's name of the stage */
const STAGES = {
  writing: PROGRESS_TEXTS.writing_prompt,
  painting: PROGRESS_TEXTS.painting,
  checking: PROGRESS_TEXTS.checking_picture,
  applying: PROGRESS_TEXTS.changing_world,
  filming: "Playing the world again",
};

/** @type {Readonly<Record<string, string>>} of films, whose stages share names with those of scenes */
const FILM_STAGES = {
  waiting_for_play: "Waiting for room beside the world in play",
  loading: "Loading the model",
  encoding: "Reading what it is made from",
  denoising: "Making the pictures",
  upscaling: "Making it larger",
  decoding: "Unpacking the pictures",
  writing: "Writing the file",
  checking: "Checking the film",
};

/** @type {Readonly<Record<string, string>>} by kind */
const DONE = { scene: "Done, it is in the gallery", video: "Done, it is in the Studio" };

/**
 * @param {Pick<Job, "kind" | "request" | "result">} job
 * @param {string | null} worldTitle of the world that is filmed, if it is known
 * @returns {string}
 */
export function titleOfJob({ kind, request, result }, worldTitle = null) {
  if (request.prompt) return request.prompt;
  if (request.model) return request.model;
  return result?.title ?? worldTitle ?? (kind === "replay_film" ? "A saved world" : inWords(kind));
}

/**
 * A kind or a stage of a server that is newer than this page, or has one of its own.
 *
 * @param {string} name such as `replay_film`
 */
function inWords(name) {
  const words = name.replaceAll("_", " ");
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

/** @param {Pick<Job, "kind">} job */
export function kindText({ kind }) {
  return KINDS[kind] ?? inWords(kind);
}

/**
 * @param {Pick<Job, "kind" | "created_at" | "attempt">} job
 * @param {number} now seconds since the Unix epoch
 * @returns {string} what it is, and when somebody asked for it
 */
export function factsOfJob(job, now) {
  const { created_at, attempt } = job;
  const time = timeText(created_at);
  const when = now - created_at < DAY_S ? time : `${dateText(created_at)}, ${time}`;
  return [kindText(job), when, attempt > 1 ? `attempt ${attempt}` : ""].filter(Boolean).join(", ");
}

/**
 * @param {number} seconds that are expected
 * @returns {string} no more exact than it is known
 */
export function aboutText(seconds) {
  if (seconds < MINUTE_S) return "less than a minute";
  if (seconds < HOUR_S) return `about ${Math.round(seconds / MINUTE_S)} min`;
  return `about ${Math.round(seconds / HOUR_S)} h`;
}

/**
 * @param {number | null} position how many jobs begin before it
 * @param {number | null} seconds until it begins, if anything tells
 * @returns {string}
 */
export function waitingText(position, seconds = null) {
  if (position === null) return "Waiting";
  const turn = position === 0 ? "it is next" : `${position} before it`;
  return ["Waiting", turn, seconds ? aboutText(seconds) : ""].filter(Boolean).join(", ");
}

/**
 * @param {Pick<Job, "state" | "stage" | "position" | "waiting_s" | "cancelling" | "kind">} job that has not ended
 * @returns {string}
 */
export function progressText({ state, stage, position, waiting_s, cancelling, kind }) {
  if (cancelling) return "Being cancelled";
  if (state === "queued") return waitingText(position, waiting_s);
  if (state === "finishing") return "Almost done";
  const stages = kind === "video" ? FILM_STAGES : STAGES;
  return stages[stage ?? ""] ?? (stage ? inWords(stage) : "Being made");
}

/**
 * @param {Pick<Job, "fraction" | "remaining_s" | "amounts">} job that runs
 * @returns {string} how far it is and how long it will take, as far as that is known
 */
export function fractionText({ fraction, remaining_s, amounts }) {
  const left = remaining_s === null ? "" : `${aboutText(remaining_s)} left`;
  return [stepText(amounts), percentText(fraction), left].filter(Boolean).join(", ");
}

/** @param {Job["amounts"]} amounts */
function stepText(amounts) {
  return amounts?.steps && amounts.steps > 1 ? `step ${Math.min((amounts.step ?? 0) + 1, amounts.steps)} of ${amounts.steps}` : "";
}

/**
 * @param {number | null} fraction
 * @returns {string} empty while it is unknown
 */
export function percentText(fraction) {
  return fraction ? `${Math.floor(fraction * 100)} %` : "";
}

/**
 * @param {Job} job
 * @returns {string} what it is busy with, or what became of it
 */
export function stateText(job) {
  if (!isOver(job)) return progressText(job);
  if (job.state === "done") return DONE[job.kind] ?? "Done";
  if (job.state === "cancelled") return CODE_TEXTS.cancelled;
  return faultText(job);
}

/**
 * @param {Pick<Job, "fault" | "kind">} job that has failed
 * @returns {string}
 */
export function faultText({ fault, kind }) {
  // Of these, only the server knows what stands in the way.
  const isTold = kind === "model" || kind === "benchmark" || kind === "video" || (kind === "replay_film" && fault?.code === "filmFailed");
  if (isTold && fault?.message) return fault.message;
  return failureText({ code: fault?.code, message: fault?.message });
}

/**
 * @param {NonNullable<Job["result"]>} result of a film
 * @returns {string}
 */
export function filmText({ is_exact, bytes }) {
  const compared = is_exact ? "It shows exactly what was played" : "It may differ from what was played";
  // The file may hold nothing to compare with.
  const facts = [typeof is_exact === "boolean" ? compared : "", bytes === undefined ? "" : sizeText(bytes)];
  return facts.filter(Boolean).join(", ");
}

/**
 * @param {Job} job that has just ended
 * @param {string} title
 * @returns {string} for screen readers
 */
export function endText(job, title) {
  const name = shortened(title);
  if (job.state === "done") return `Done: ${name}`;
  return job.state === "cancelled" ? `Cancelled: ${name}` : `Failed: ${name}. ${faultText(job)}`;
}

/**
 * @param {number} count of the jobs that wait or run
 * @returns {string} for screen readers; the page shows the number alone
 */
export function countText(count) {
  return count === 0 ? "Jobs" : `Jobs, ${count} under way`;
}
