// @ts-check
// Texts of the Studio: ways of making, what a film costs, how far it is, and what is known of one.

import { shortened } from "./authoring_texts.js";
import { aboutText } from "./job_texts.js";
import { textOfError } from "./problems.js";
import { sizeText } from "./recording_texts.js";
import { RestError } from "./rest.js";
import { knownPhrase, phrase } from "./texts/texts.js";

/** @import { Film } from "./films_rest.js" */
/** @import { ErrorCode } from "./protocol.generated.d.ts" */
/** @import { Cost } from "./studio_cost.js" */

/** What only the server knows, because it depends on what was asked for. @type {ReadonlySet<ErrorCode>} */
const TOLD_BY_SERVER = new Set([
  "filmRefused",
  "filmNotMade",
  "filmSourceUnusable",
  "filmSourceTooLarge",
  "filmLoraRefused",
  "filmOutOfMemory",
  "modelNotPulled",
  "modelDoesNotFit",
  "seedUnsafe",
]);

/**
 * @param {unknown} error
 * @returns {string}
 */
export function problemText(error) {
  if (!(error instanceof RestError)) return error instanceof Error ? error.message : String(error);
  const isTold = error.code !== null && TOLD_BY_SERVER.has(error.code);
  return isTold ? error.message : textOfError({ code: error.code ?? undefined, message: error.message });
}

/** @param {Pick<Film, "prompt" | "way">} film */
export function titleOfFilm({ prompt, way }) {
  return shortened(prompt.trim()) || (knownPhrase("ways", way) ?? phrase("studio.untitled"));
}

/** @param {string} way which may be unknown if the server is newer than this page */
export function wayText(way) {
  return knownPhrase("ways", way) ?? way;
}

/**
 * @param {string} camera
 * @param {boolean} isByWords whether the model follows words alone
 */
export function cameraName(camera, isByWords) {
  const name = knownPhrase("cameras", camera) ?? camera;
  return isByWords ? name : phrase("studio.byLora", { camera: name });
}

/** @param {number} seconds */
export function secondsText(seconds) {
  return phrase("studio.seconds", { seconds: seconds.toFixed(seconds < 10 ? 1 : 0) });
}

/**
 * @param {Cost} cost
 * @returns {string} what it takes to make the film here
 */
export function costText({ frames, steps, seconds, memoryBytes, longestS }) {
  const work = [
    frames === null ? "" : phrase("studio.frames", { count: frames }),
    phrase("studio.steps", { count: steps }),
    memoryBytes === null ? "" : phrase("studio.memory", { size: sizeText(memoryBytes) }),
  ];
  const time = seconds === null ? phrase("studio.timeUnknown") : phrase("studio.time", { span: aboutText(seconds) });
  const longest = longestS === null ? "" : phrase("studio.longest", { seconds: secondsText(longestS) });
  return [`${work.filter(Boolean).join(", ")}.`, time, longest].filter(Boolean).join(" ");
}

/**
 * @param {Film} film that is made
 * @returns {string}
 */
export function factsOfFilm({ width, height, fps, seconds, size_bytes, seed, way, model, has_sound }) {
  return [
    wayText(way),
    width && height ? `${width} × ${height}` : "",
    seconds ? secondsText(seconds) : "",
    fps ? phrase("studio.rate", { fps: Number(fps.toFixed(2)) }) : "",
    has_sound ? "" : phrase("studio.noSound"),
    size_bytes ? sizeText(size_bytes) : "",
    phrase("studio.seedIs", { seed }),
    model ?? "",
  ].filter(Boolean).join(", ");
}

/**
 * @param {Readonly<Record<string, number>> | null | undefined} timings by stage
 * @returns {string} how long the film took; empty if that is not known
 */
export function timingText(timings) {
  const total = Object.values(timings ?? {}).reduce((sum, one) => sum + one, 0);
  return total > 0 ? phrase(total < 60 ? "studio.madeIn" : "studio.madeInAbout", { span: total < 60 ? secondsText(total) : aboutText(total) }) : "";
}

/**
 * @param {Film} one
 * @param {Film} other
 * @returns {string[]} in what the two differ, as far as they were asked for
 */
export function differencesOf(one, other) {
  const rows = /** @type {const} */ ([
    [phrase("studio.words"), one.prompt, other.prompt],
    [phrase("studio.way"), wayText(one.way), wayText(other.way)],
    [phrase("studio.seed"), one.seed, other.seed],
    [phrase("studio.size"), `${one.width} × ${one.height}`, `${other.width} × ${other.height}`],
    [phrase("studio.length"), secondsText(one.seconds ?? 0), secondsText(other.seconds ?? 0)],
    [phrase("studio.camera"), cameraText(one), cameraText(other)],
    [phrase("studio.model"), one.model, other.model],
  ]);
  return rows.filter(([, left, right]) => left !== right).map(([name, left, right]) => phrase("studio.difference", { name, left: left ?? "–", right: right ?? "–" }));
}

/** @param {Film} film */
function cameraText({ request }) {
  return knownPhrase("cameras", request.camera ?? "") ?? phrase("studio.cameraOfModel");
}

/** @param {{ used_bytes: number, quota_bytes: number }} usage */
export function usageText({ used_bytes, quota_bytes }) {
  return phrase("recordings.usage", { used: sizeText(used_bytes), quota: sizeText(quota_bytes) });
}
