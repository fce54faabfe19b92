// @ts-check
// What the server finds when it looks itself over.

import { request } from "./rest.js";

/**
 * @typedef {object} DoctorCheck
 * @property {string} id
 * @property {string} title
 * @property {"good" | "warning" | "bad"} state
 * @property {string} found what is so
 * @property {string | null} mend what to do about it
 */

/** @typedef {{ ok: boolean, checks: DoctorCheck[] }} Examination `ok`: nothing is bad */

/** @returns {Promise<Examination>} */
export async function fetchExamination() {
  return (await request("/api/doctor")).json();
}
