// @ts-check
// What the page says of the picture check.

/** @typedef {import("./rest.js").SafetyHealth} SafetyHealth */

/**
 * @param {SafetyHealth} safety
 * @returns {string} empty when pictures are checked as one would expect
 */
export function safetyText({ loaded, policy, reason, unjudged_pass }) {
  if (policy === "off") return "The picture check is switched off on this server: every picture is played.";
  if (loaded) return "";
  const consequence = unjudged_pass ? "Pictures are played unchecked." : "Own pictures cannot be played now.";
  return reason ? `${consequence} ${reason}` : consequence;
}
