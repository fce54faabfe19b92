// @ts-check
// The note about the picture check.

import { phrase } from "./texts/texts.js";

/** @typedef {import("./rest.js").SafetyHealth} SafetyHealth */

/**
 * @param {SafetyHealth} safety
 * @returns {string} empty if there is nothing to explain
 */
export function safetyText({ loaded, policy, reason }) {
  if (policy === "off") return phrase("safety.off");
  if (loaded) return "";
  return reason ? phrase("safety.noneBecause", { reason }) : phrase("safety.none");
}
