// @ts-check
// Texts about people, their roles, sessions and tokens.

import { dateText } from "./recording_texts.js";

/** @import { ApiToken, Instant, Role, Scope, SignInSession } from "./account_rest.js" */
/** @import { Invitation, Person } from "./people_rest.js" */

/** @type {Readonly<Record<Role, string>>} */
export const ROLE_TEXTS = { owner: "Owner", player: "Player", viewer: "Viewer" };

/** @type {Readonly<Record<Role, string>>} */
export const ROLE_MEANINGS = {
  owner: "does everything, and sees to people and settings",
  player: "plays, and keeps their own recordings, worlds and pictures",
  viewer: "looks at things, and changes nothing",
};

/** @type {Readonly<Record<Scope, string>>} */
export const SCOPE_TEXTS = {
  read: "Read: list and download what is yours",
  play: "Play: enter worlds",
  create: "Create: upload pictures, begin scenes and jobs",
  manage: "Manage: rename and delete what is yours",
  admin: "Administer: people and the server's settings",
};

/** @type {Readonly<Record<Mode, EntranceTexts>>} */
export const ENTRANCE_TEXTS = {
  signIn: { title: "Sign in", text: "", submit: "Sign in" },
  setup: {
    title: "Become the owner",
    text: "This server has no owner yet. Whoever is first invites the others.",
    submit: "Create the account",
  },
  accept: {
    title: "You are invited",
    text: "Choose a name and a password to join this server.",
    submit: "Join",
  },
};

/** @typedef {"signIn" | "setup" | "accept"} Mode of the entrance */
/** @typedef {{ title: string, text: string, submit: string }} EntranceTexts `text` may be empty */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** @type {readonly (readonly [RegExp, string])[]} the first that matches; many browsers call themselves by others' names */
const BROWSERS = [
  [/Edg/, "Edge"],
  [/OPR|Opera/, "Opera"],
  [/Firefox|FxiOS/, "Firefox"],
  [/Chrom|CriOS/, "Chrome"],
  [/Safari/, "Safari"],
];

/** @type {readonly (readonly [RegExp, string])[]} */
const SYSTEMS = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/**
 * The server's own sentence: it says how long to wait, what a name or a password needs, and which password is wrong.
 *
 * @param {unknown} error of a request about accounts
 * @returns {string}
 */
export function reasonText(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} agent
 * @returns {string} such as "Firefox on Linux"
 */
export function deviceText(agent) {
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find(([pattern]) => pattern.test(agent))?.[1]);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? (agent || "An unknown device");
}

/**
 * @param {Instant} instant
 * @param {number} now in milliseconds since the Unix epoch
 * @returns {string}
 */
export function agoText(instant, now) {
  const age = now - instant * 1000;
  if (age < MINUTE_MS) return "just now";
  if (age < DAY_MS) return `${spanText(age)} ago`;
  return `on ${dateText(instant)}`;
}

/**
 * @param {Instant | null} instant
 * @param {number} now in milliseconds since the Unix epoch
 * @returns {string}
 */
export function expiryText(instant, now) {
  if (instant === null) return "does not expire";
  const left = instant * 1000 - now;
  return left > 0 ? `expires in ${spanText(left)}` : "has expired";
}

/**
 * @param {number} span in milliseconds
 * @returns {string} in its largest unit
 */
function spanText(span) {
  /** @type {readonly (readonly [number, string])[]} */
  const units = [[DAY_MS, "day"], [HOUR_MS, "hour"], [MINUTE_MS, "minute"]];
  const [size, name] = units.find(([one]) => span >= one) ?? [MINUTE_MS, "minute"];
  const count = Math.max(1, Math.round(span / size));
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/**
 * @param {SignInSession} session
 * @param {number} now
 */
export function sessionText({ current, created, lastSeen }, now) {
  const seen = current ? "this browser" : `seen ${agoText(lastSeen, now)}`;
  return `Signed in ${agoText(created, now)}, ${seen}`;
}

/**
 * @param {ApiToken} token
 * @param {number} now
 */
export function tokenText({ scopes, expires, lastUsed }, now) {
  const used = lastUsed === null ? "never used" : `used ${agoText(lastUsed, now)}`;
  return [`May ${scopes.join(", ")}`, expiryText(expires, now), used].join("; ");
}

/**
 * @param {Person} person
 * @param {boolean} isSelf
 * @param {number} now
 */
export function personText({ disabled, created, lastSeen }, isSelf, now) {
  const seen = lastSeen ? `seen ${agoText(lastSeen, now)}` : `joined ${agoText(created, now)}`;
  return [isSelf ? "This is you" : "", disabled ? "cannot sign in" : "", seen].filter(Boolean).join(", ");
}

/**
 * @param {Invitation} invitation
 * @param {number} now
 */
export function invitationText({ created, expires }, now) {
  return `Made ${agoText(created, now)}, ${expiryText(expires, now)}`;
}

/**
 * @param {string} address of this page
 * @param {string} code
 * @returns {string} the link to hand out
 */
export function invitationLink(address, code) {
  const link = new URL("/", address);
  link.searchParams.set("invite", code);
  return link.href;
}

/**
 * @param {string} address of this page
 * @returns {boolean} whether only this machine can open it
 */
export function isLocalAddress(address) {
  const { hostname } = new URL(address);
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
