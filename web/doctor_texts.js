// @ts-check
// Texts about what the server finds when it looks itself over.

import { phrase } from "./texts/texts.js";

/** @import { DoctorCheck, Examination } from "./doctor_rest.js" */

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
  if (bad > 0) return phrase("doctor.verdictBad", { count: bad });
  if (warnings > 0) return phrase("doctor.verdictWarning", { count: warnings });
  return phrase("doctor.verdictGood");
}
