// @ts-check
// Texts about jobs: what they make, what they are busy with, and what became of them.

import { failureText, shortened } from "./authoring_texts.js";
import { isOver } from "./job_list.js";
import { dateText, sizeText, timeText } from "./recording_texts.js";
import { knownPhrase, phrase } from "./texts/texts.js";

/** @import { Job } from "./jobs_rest.js" */

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 24 * 3600;

/**
 * @param {Pick<Job, "kind" | "request" | "result">} job
 * @param {string | null} worldTitle of the world that is filmed, if it is known
 * @returns {string}
 */
export function titleOfJob({ kind, request, result }, worldTitle = null) {
  if (request.prompt) return request.prompt;
  if (request.model) return request.model;
  if (request.script) return request.script.title;
  return result?.title ?? worldTitle ?? (kind === "replay_film" ? phrase("jobs.savedWorld") : inWords(kind));
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
  return knownPhrase("jobKinds", kind) ?? inWords(kind);
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
  return [kindText(job), when, attempt > 1 ? phrase("jobs.attempt", { count: attempt }) : ""].filter(Boolean).join(", ");
}

/**
 * @param {number} seconds that are expected
 * @returns {string} no more exact than it is known
 */
export function aboutText(seconds) {
  if (seconds < MINUTE_S) return phrase("jobs.lessThanMinute");
  if (seconds < HOUR_S) return phrase("jobs.aboutMinutes", { count: Math.round(seconds / MINUTE_S) });
  return phrase("jobs.aboutHours", { count: Math.round(seconds / HOUR_S) });
}

/**
 * @param {number | null} position how many jobs begin before it
 * @param {number | null} seconds until it begins, if anything tells
 * @returns {string}
 */
export function waitingText(position, seconds = null) {
  if (position === null) return phrase("common.waiting");
  const turn = position === 0 ? phrase("jobs.next") : phrase("jobs.before", { count: position });
  return [phrase("common.waiting"), turn, seconds ? aboutText(seconds) : ""].filter(Boolean).join(", ");
}

/**
 * @param {Pick<Job, "state" | "stage" | "position" | "waiting_s" | "cancelling" | "kind">} job that has not ended
 * @returns {string}
 */
export function progressText({ state, stage, position, waiting_s, cancelling, kind }) {
  if (cancelling) return phrase("jobs.cancelling");
  if (state === "queued") return waitingText(position, waiting_s);
  if (state === "finishing") return phrase("jobs.almostDone");
  const known = kind === "video" ? knownPhrase("filmStages", stage ?? "") : knownPhrase("jobStages", stage ?? "");
  return known ?? (stage ? inWords(stage) : phrase("jobs.beingMade"));
}

/**
 * @param {Pick<Job, "fraction" | "remaining_s" | "amounts">} job that runs
 * @returns {string} how far it is and how long it will take, as far as that is known
 */
export function fractionText({ fraction, remaining_s, amounts }) {
  const left = remaining_s === null ? "" : phrase("jobs.left", { span: aboutText(remaining_s) });
  return [stepText(amounts), percentText(fraction), left].filter(Boolean).join(", ");
}

/** @param {Job["amounts"]} amounts */
function stepText(amounts) {
  const { step = 0, steps = 0 } = amounts ?? {};
  return steps > 1 ? phrase("jobs.step", { number: Math.min(step + 1, steps), count: steps }) : "";
}

/**
 * @param {number | null} fraction
 * @returns {string} empty while it is unknown
 */
export function percentText(fraction) {
  return fraction ? phrase("jobs.percent", { percent: Math.floor(fraction * 100) }) : "";
}

/**
 * @param {Job} job
 * @returns {string} what it is busy with, or what became of it
 */
export function stateText(job) {
  if (!isOver(job)) return progressText(job);
  if (job.state === "done") return knownPhrase("jobsDone", job.kind) ?? phrase("jobs.done");
  if (job.state === "cancelled") return phrase("codes.cancelled");
  return faultText(job);
}

/**
 * @param {Pick<Job, "fault" | "kind">} job that has failed
 * @returns {string}
 */
export function faultText({ fault, kind }) {
  // Of these, only the server knows what stands in the way.
  const isTold = kind === "model" || kind === "benchmark" || kind === "video" || kind === "scripted_run" || (kind === "replay_film" && fault?.code === "filmFailed");
  if (isTold && fault?.message) return fault.message;
  return failureText({ code: fault?.code, message: fault?.message });
}

/**
 * @param {NonNullable<Job["result"]>} result of a film
 * @returns {string}
 */
export function filmText({ is_exact, bytes }) {
  const compared = phrase(is_exact ? "jobs.isExact" : "jobs.mayDiffer");
  // The file may hold nothing to compare with.
  const facts = [typeof is_exact === "boolean" ? compared : "", bytes === undefined ? "" : sizeText(bytes)];
  return facts.filter(Boolean).join(", ");
}

/**
 * @param {NonNullable<Job["result"]>} result of a script
 * @returns {string} how much of the world was played
 */
export function scriptText({ seconds }) {
  return seconds === undefined ? "" : phrase("jobs.played", { span: seconds.toFixed(1) });
}

/**
 * @param {Job} job that has just ended
 * @param {string} title
 * @returns {string} for screen readers
 */
export function endText(job, title) {
  const name = shortened(title);
  if (job.state === "done") return phrase("jobs.endDone", { title: name });
  if (job.state === "cancelled") return phrase("jobs.endCancelled", { title: name });
  return phrase("jobs.endFailed", { title: name, reason: faultText(job) });
}

/**
 * @param {number} count of the jobs that wait or run
 * @returns {string} for screen readers; the page shows the number alone
 */
export function countText(count) {
  return count === 0 ? phrase("common.jobs") : phrase("jobs.underWay", { count });
}
