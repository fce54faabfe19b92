// @ts-check
// The note about the picture check.

/** @typedef {import("./rest.js").SafetyHealth} SafetyHealth */

/**
 * @param {SafetyHealth} safety
 * @returns {string} empty if there is nothing to explain
 */
export function safetyText({ loaded, policy, reason }) {
  if (policy === "off") return "The picture check is switched off on this server: every picture is accepted.";
  if (loaded) return "";
  const consequence = "You cannot use your own pictures now.";
  return reason ? `${consequence} ${reason}` : consequence;
}
