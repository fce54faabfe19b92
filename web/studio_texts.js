// @ts-check
// Texts of the Studio: ways of making, what a film costs, how far it is, and what is known of one.

import { shortened } from "./authoring_texts.js";
import { aboutText } from "./job_texts.js";
import { textOfError } from "./problems.js";
import { sizeText } from "./recording_texts.js";
import { RestError } from "./rest.js";

/** @import { Film, WayName } from "./films_rest.js" */
/** @import { ErrorCode } from "./protocol.generated.d.ts" */
/** @import { Cost } from "./studio_cost.js" */

/** @type {Readonly<Record<WayName, { name: string, hint: string }>>} */
export const WAYS = {
  words: { name: "From words", hint: "A new film from words alone." },
  pictures: { name: "From pictures", hint: "A new film that begins with a picture, ends with one, or meets some on its way." },
  sound: { name: "To a sound", hint: "Pictures to a sound of yours, from its beginning. The film sounds like it." },
  retake: { name: "Retake a part", hint: "A part of a film is made anew, and the rest stays. Drag over the time line to mark it." },
  extension: { name: "Make longer", hint: "A film goes on after its end, or begins earlier." },
  joining: { name: "Join two films", hint: "A new passage leads from one film into another." },
  control: { name: "Follow a film", hint: "A new film that follows the shapes of another one, such as a recorded walk." },
  upscale: { name: "Twice the size", hint: "A film in twice its width and height." },
};

/** @type {Readonly<Record<string, string>>} */
export const CAMERAS = {
  static: "Stands still",
  dolly_in: "Moves in",
  dolly_out: "Moves out",
  dolly_left: "Moves left",
  dolly_right: "Moves right",
  jib_up: "Rises",
  jib_down: "Sinks",
  focus_shift: "Changes its focus",
};

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
  return shortened(prompt.trim()) || WAYS[way]?.name || "A film";
}

/** @param {number} seconds */
export function secondsText(seconds) {
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

/**
 * @param {Cost} cost
 * @returns {string} what it takes to make the film here
 */
export function costText({ frames, steps, seconds, memoryBytes, longestS }) {
  const work = frames === null ? `${steps} steps` : `${frames} frames, ${steps} steps`;
  const memory = memoryBytes === null ? "" : `, about ${sizeText(memoryBytes)} of memory`;
  const time = seconds === null ? "The first film will tell how long it takes here." : `It takes ${aboutText(seconds)} here, by earlier films.`;
  const longest = longestS === null ? "" : ` At most ${secondsText(longestS)} at this size and rate.`;
  return `${work}${memory}. ${time}${longest}`;
}

/**
 * @param {Film} film that is made
 * @returns {string}
 */
export function factsOfFilm({ width, height, fps, seconds, size_bytes, seed, way, model, has_sound }) {
  return [
    WAYS[way]?.name ?? way,
    width && height ? `${width} × ${height}` : "",
    seconds ? secondsText(seconds) : "",
    fps ? `${Number(fps.toFixed(2))} frames/s` : "",
    has_sound ? "" : "no sound",
    size_bytes ? sizeText(size_bytes) : "",
    `seed ${seed}`,
    model ?? "",
  ].filter(Boolean).join(", ");
}

/**
 * @param {Readonly<Record<string, number>> | null | undefined} timings by stage
 * @returns {string} how long the film took; empty if that is not known
 */
export function timingText(timings) {
  const total = Object.values(timings ?? {}).reduce((sum, one) => sum + one, 0);
  return total > 0 ? `Made in ${total < 60 ? secondsText(total) : aboutText(total).replace("about ", "")}` : "";
}

/**
 * @param {Film} one
 * @param {Film} other
 * @returns {string[]} in what the two differ, as far as they were asked for
 */
export function differencesOf(one, other) {
  const rows = /** @type {const} */ ([
    ["Words", one.prompt, other.prompt],
    ["Way", WAYS[one.way]?.name, WAYS[other.way]?.name],
    ["Seed", one.seed, other.seed],
    ["Size", `${one.width} × ${one.height}`, `${other.width} × ${other.height}`],
    ["Length", secondsText(one.seconds ?? 0), secondsText(other.seconds ?? 0)],
    ["Camera", cameraText(one), cameraText(other)],
    ["Model", one.model, other.model],
  ]);
  return rows.filter(([, left, right]) => left !== right).map(([name, left, right]) => `${name}: ${left ?? "–"} against ${right ?? "–"}`);
}

/** @param {Film} film */
function cameraText({ request }) {
  return CAMERAS[request.camera ?? ""] ?? "as the model likes";
}

/** @param {{ used_bytes: number, quota_bytes: number }} usage */
export function usageText({ used_bytes, quota_bytes }) {
  return `${sizeText(used_bytes)} of ${sizeText(quota_bytes)} used`;
}
