// @ts-check
// The REST resource of the people of this server, and of invitations. It answers owners only.

import { request, send } from "./rest.js";

/** @import { Instant, Role } from "./account_rest.js" */

/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {Role} role
 * @property {boolean} disabled
 * @property {Instant} created
 * @property {Instant | null} lastSeen
 */

/** @typedef {{ id: string, role: Role, created: Instant, expires: Instant }} Invitation */

/** @returns {Promise<Person[]>} */
export async function fetchPeople() {
  return (await (await request("/api/people")).json()).people;
}

/**
 * @param {string} id
 * @param {{ role?: Role, disabled?: boolean }} change
 */
export async function changePerson(id, change) {
  await send(`/api/people/${id}`, "PATCH", change);
}

/** @param {string} id */
export async function deletePerson(id) {
  await request(`/api/people/${id}`, { method: "DELETE" });
}

/** @returns {Promise<Invitation[]>} */
export async function fetchInvitations() {
  return (await (await request("/api/invitations")).json()).invitations;
}

/**
 * @param {Role} role
 * @param {number} expiresHours
 * @returns {Promise<{ code: string }>} told this once
 */
export async function invite(role, expiresHours) {
  return (await send("/api/invitations", "POST", { role, expiresHours })).json();
}

/** @param {string} id */
export async function withdrawInvitation(id) {
  await request(`/api/invitations/${id}`, { method: "DELETE" });
}
