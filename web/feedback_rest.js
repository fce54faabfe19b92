// @ts-check
// The REST resource of what one says of things.

import { request } from "./rest.js";

/** @import { Said, Saying } from "./feedback_state.js" */

/** @typedef {"recording" | "moment" | "scene" | "job"} FeedbackKind */

/**
 * @typedef {object} Subject what is said about
 * @property {FeedbackKind} kind
 * @property {string} id
 */

const HEADERS = { accept: "application/json", "content-type": "application/json" };

/** @param {Subject} subject */
const pathOf = ({ kind, id }) => `/api/feedback/${kind}/${encodeURIComponent(id)}`;

/**
 * @param {Subject} subject
 * @returns {Promise<Said | null>} what one has said of the whole of it
 */
export async function fetchFeedback(subject) {
  const { feedback } = await (await request(pathOf(subject))).json();
  return feedback.find((/** @type {Said} */ said) => said.pass === null) ?? null;
}

/**
 * @param {Subject} subject
 * @param {Saying} saying
 * @returns {Promise<Said>}
 */
export async function giveFeedback(subject, saying) {
  return (await request(pathOf(subject), { method: "PUT", headers: HEADERS, body: JSON.stringify(saying) })).json();
}

/** @param {Subject} subject */
export async function takeFeedbackBack(subject) {
  await request(pathOf(subject), { method: "DELETE" });
}
