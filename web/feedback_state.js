// @ts-check
// What somebody says of a thing, and what it becomes by what they press.

import { knownPhrase, namesIn, phrase } from "./texts/texts.js";

/** @typedef {1 | -1} Rating */

/**
 * @typedef {object} Saying what is sent
 * @property {Rating} rating
 * @property {string[]} tags
 * @property {string | null} comment
 */

/** @typedef {Saying & { pass: number | null }} Said */

/**
 * A thumb is pressed. The one that is down already takes everything back.
 *
 * @param {Saying | null} said
 * @param {Rating} rating
 * @returns {Saying | null} null: nothing is said any more
 */
export function afterThumb(said, rating) {
  if (said?.rating === rating) return null;
  return { rating, tags: said?.tags ?? [], comment: said?.comment ?? null };
}

/**
 * A tag is pressed, once there is a thumb.
 *
 * @param {Saying} said
 * @param {string} tag
 * @returns {Saying}
 */
export function afterTag({ rating, tags, comment }, tag) {
  const kept = tags.filter((one) => one !== tag);
  return { rating, tags: kept.length === tags.length ? [...tags, tag] : kept, comment };
}

/**
 * @param {Saying} said
 * @param {string} text
 * @returns {Saying}
 */
export function afterComment({ rating, tags }, text) {
  return { rating, tags, comment: text.trim() || null };
}

/** The server's names of the tags. */
export const TAGS = Object.freeze(namesIn("feedbackTags"));

/** @param {string} tag which may be unknown if the server is newer than this page */
export function tagText(tag) {
  return knownPhrase("feedbackTags", tag) ?? tag;
}

/** @param {Saying | null} said */
export function summaryOf(said) {
  if (!said) return phrase("feedback.rate");
  return [phrase(said.rating > 0 ? "feedback.good" : "feedback.bad"), ...said.tags.map(tagText)].join(", ");
}
