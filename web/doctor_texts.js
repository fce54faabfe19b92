// @ts-check
// Texts about what the server finds when it looks itself over.

/** @import { DoctorCheck, Examination } from "./doctor_rest.js" */

/** @type {Readonly<Record<DoctorCheck["state"], string>>} */
export const CHECK_TEXTS = { good: "Good", warning: "Could be better", bad: "Will not run" };

/** @type {Readonly<Record<DoctorCheck["state"], number>>} */
const ORDER = { bad: 0, warning: 1, good: 2 };

/**
 * @param {readonly DoctorCheck[]} checks
 * @returns {DoctorCheck[]} what needs to be mended first
 */
export function worstFirst(checks) {
  return checks.toSorted((one, other) => ORDER[one.state] - ORDER[other.state]);
}

/** @param {Examination} examination */
export function verdictText({ checks }) {
  const count = (/** @type {DoctorCheck["state"]} */ state) => checks.filter((check) => check.state === state).length;
  const [bad, warnings] = [count("bad"), count("warning")];
  if (bad > 0) return `${bad === 1 ? "One thing" : `${bad} things`} will not run. Below it says how to mend that.`;
  if (warnings > 0) return `Everything runs. ${warnings === 1 ? "One thing" : `${warnings} things`} could be better.`;
  return "Everything is well.";
}
