// @ts-check
// Texts about people, their roles, sessions and tokens.

import { dateText } from "./recording_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { ApiToken, Instant, Role, SignInSession } from "./account_rest.js" */
/** @import { Invitation, Person } from "./people_rest.js" */

/** @typedef {"signIn" | "setup" | "accept"} Mode of the entrance */
/** @typedef {{ title: string, text: string, submit: string }} EntranceTexts `text` may be empty */

/**
 * @param {Mode} mode
 * @returns {EntranceTexts}
 */
export function entranceTexts(mode) {
  if (mode === "signIn") return { title: phrase("common.signIn"), text: "", submit: phrase("common.signIn") };
  return { title: phrase(`entrance.${mode}Title`), text: phrase(`entrance.${mode}Text`), submit: phrase(`entrance.${mode}Submit`) };
}

/** @param {Role} role */
export function roleText(role) {
  return phrase("account.role", { role: phrase(`roles.${role}`), meaning: phrase(`roleMeanings.${role}`) });
}

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
  if (browser && system) return phrase("account.device", { browser, system });
  return browser ?? system ?? (agent || phrase("account.unknownDevice"));
}

/**
 * @param {Instant} instant
 * @param {number} now in milliseconds since the Unix epoch
 * @returns {string}
 */
export function agoText(instant, now) {
  const age = now - instant * 1000;
  if (age < MINUTE_MS) return phrase("account.justNow");
  if (age < DAY_MS) return phrase("account.ago", { span: spanText(age) });
  return phrase("account.onDate", { date: dateText(instant) });
}

/**
 * @param {Instant | null} instant
 * @param {number} now in milliseconds since the Unix epoch
 * @returns {string}
 */
export function expiryText(instant, now) {
  if (instant === null) return phrase("account.noExpiry");
  const left = instant * 1000 - now;
  return left > 0 ? phrase("account.expiresIn", { span: spanText(left) }) : phrase("account.expired");
}

/**
 * @param {number} span in milliseconds
 * @returns {string} in its largest unit
 */
function spanText(span) {
  /** @type {readonly (readonly [number, "day" | "hour" | "minute"])[]} */
  const units = [[DAY_MS, "day"], [HOUR_MS, "hour"], [MINUTE_MS, "minute"]];
  const [size, name] = units.find(([one]) => span >= one) ?? [MINUTE_MS, "minute"];
  return phrase(`spans.${name}`, { count: Math.max(1, Math.round(span / size)) });
}

/**
 * @param {SignInSession} session
 * @param {number} now
 */
export function sessionText({ current, created, lastSeen }, now) {
  const seen = current ? phrase("account.thisBrowser") : phrase("account.seen", { when: agoText(lastSeen, now) });
  return phrase("account.session", { when: agoText(created, now), seen });
}

/**
 * @param {ApiToken} token
 * @param {number} now
 */
export function tokenText({ scopes, expires, lastUsed }, now) {
  const used = lastUsed === null ? phrase("account.neverUsed") : phrase("account.used", { when: agoText(lastUsed, now) });
  return [phrase("account.may", { scopes: scopes.join(", ") }), expiryText(expires, now), used].join("; ");
}

/**
 * @param {Person} person
 * @param {boolean} isSelf
 * @param {number} now
 */
export function personText({ disabled, created, lastSeen }, isSelf, now) {
  const seen = lastSeen
    ? phrase("account.seen", { when: agoText(lastSeen, now) })
    : phrase("people.joined", { when: agoText(created, now) });
  return [isSelf ? phrase("people.isYou") : "", disabled ? phrase("people.cannotSignIn") : "", seen].filter(Boolean).join(", ");
}

/**
 * @param {Invitation} invitation
 * @param {number} now
 */
export function invitationText({ created, expires }, now) {
  return phrase("people.invitation", { made: agoText(created, now), expires: expiryText(expires, now) });
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
