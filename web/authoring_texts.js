// @ts-check
// Texts about scenes: progress, failures, and what undoing an edit removes.

import { RequestError } from "./connection.js";
import { textOfError } from "./problems.js";
import { RestError } from "./rest.js";
import { phrase } from "./texts/texts.js";

/** @import { MessageId } from "./problems.js" */
/** @import { ErrorCode } from "./protocol.generated.d.ts" */
/** @import { Health, SeedSummary } from "./rest.js" */

const LINE_LETTERS = 48;

/**
 * @param {number | null | undefined} fraction
 * @returns {number | null} null before the first step, when a model may still be loading
 */
export function stepFraction(fraction) {
  return fraction ? fraction : null;
}

/**
 * The text of a failure. The server's own message is used if it explains what was wrong with this prompt.
 *
 * @param {{ code?: ErrorCode | undefined, id?: MessageId | undefined, message?: string | undefined }} failure
 * @returns {string}
 */
export function failureText({ code, id, message }) {
  const isOwn = code?.startsWith("authoring") || code === "seedCheckFailed";
  return isOwn && message ? message : textOfError({ code, id, message });
}

/**
 * @param {unknown} error
 * @returns {string}
 * @throws {unknown} the error itself, if it is not the failure of a request
 */
export function textOfFailure(error) {
  if (error instanceof RequestError) {
    return failureText({ code: error.code, id: error.errorId, message: error.message });
  }
  if (error instanceof RestError) return failureText({ code: error.code ?? undefined, message: error.message });
  throw error;
}

/**
 * @param {Health["authoring"] | undefined} authoring the newest state that the server reported, if any
 * @returns {string | null} why scenes cannot be made; null if they can, as far as is known
 */
export function obstacleOf(authoring) {
  if (!authoring || authoring.available) return null;
  return authoring.reason ?? phrase("codes.authoringUnavailable");
}

/**
 * @param {number} later number of edits after this one
 * @returns {string}
 */
export function undoText(later) {
  return later === 0 ? phrase("authoring.undo") : phrase("authoring.undoLater", { count: later });
}

/**
 * @param {string} prompt
 * @returns {string} shortened to one line
 */
export function shortened(prompt) {
  const letters = [...prompt];
  return letters.length > LINE_LETTERS ? `${letters.slice(0, LINE_LETTERS - 1).join("").trimEnd()}…` : prompt;
}

/**
 * @param {Pick<SeedSummary, "description" | "prompt">} seed
 * @returns {string} the text below a card's title; the title of a generated scene is its prompt
 */
export function captionOf({ description, prompt }) {
  return typeof prompt === "string" ? phrase("authoring.madeFrom") : description;
}
