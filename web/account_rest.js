// @ts-check
// The REST resource of the visitor's own account: who they are, how they sign in, their sessions and tokens.

import { request, send } from "./rest.js";

/** @typedef {"owner" | "player" | "viewer"} Role */
/** @typedef {"play" | "create" | "read" | "manage" | "admin"} Scope of a token */
/** @typedef {{ id: string, name: string, role: Role }} User */
/** @typedef {number} Instant seconds since the Unix epoch */

/**
 * @typedef {object} AccountState
 * @property {boolean} accounts whether this server has accounts at all
 * @property {boolean} setup whether it has no owner yet
 * @property {User | null} user who is signed in
 * @property {"session" | "token" | "machine" | "anonymous"} how the server knows the visitor
 * @property {boolean} mayEnter whether the visitor may do anything without signing in
 */

/**
 * @typedef {object} SignInSession
 * @property {string} id
 * @property {Instant} created
 * @property {Instant} lastSeen
 * @property {string} agent how the browser calls itself
 * @property {boolean} current whether it is the one that asks
 */

/**
 * @typedef {object} ApiToken
 * @property {string} id
 * @property {string} name
 * @property {Scope[]} scopes
 * @property {Instant} created
 * @property {Instant | null} expires
 * @property {Instant | null} lastUsed
 */

const PATH = "/api/account";

/** @returns {Promise<AccountState>} */
export async function fetchAccount() {
  return (await request(PATH)).json();
}

/**
 * @param {string} name
 * @param {string} password
 */
export async function signIn(name, password) {
  await send(`${PATH}/sign-in`, "POST", { name, password });
}

/**
 * Become the first owner.
 *
 * @param {string} name
 * @param {string} password
 * @param {string} code that the server printed at its start; empty on its own machine
 */
export async function setUp(name, password, code) {
  await send(`${PATH}/setup`, "POST", { name, password, ...(code ? { code } : {}) });
}

/**
 * @param {string} code of the invitation
 * @param {string} name
 * @param {string} password
 */
export async function acceptInvitation(code, name, password) {
  await send(`${PATH}/accept`, "POST", { code, name, password });
}

/** @param {boolean} isEverywhere whether the person's other sessions end as well */
export async function signOut(isEverywhere) {
  await request(`${PATH}/${isEverywhere ? "sign-out-everywhere" : "sign-out"}`, { method: "POST" });
}

/**
 * @param {string} present
 * @param {string} next
 */
export async function changePassword(present, next) {
  await send(`${PATH}/password`, "POST", { old: present, new: next });
}

/** @returns {Promise<SignInSession[]>} */
export async function fetchSessions() {
  return (await (await request(`${PATH}/sessions`)).json()).sessions;
}

/** @param {string} id */
export async function endSession(id) {
  await request(`${PATH}/sessions/${id}`, { method: "DELETE" });
}

/** @returns {Promise<ApiToken[]>} */
export async function fetchTokens() {
  return (await (await request(`${PATH}/tokens`)).json()).tokens;
}

/**
 * @param {string} name
 * @param {readonly Scope[]} scopes
 * @param {number | null} expiresDays null if it does not expire
 * @returns {Promise<{ token: string }>} told this once
 */
export async function createToken(name, scopes, expiresDays) {
  return (await send(`${PATH}/tokens`, "POST", { name, scopes, expiresDays })).json();
}

/** @param {string} id */
export async function revokeToken(id) {
  await request(`${PATH}/tokens/${id}`, { method: "DELETE" });
}
