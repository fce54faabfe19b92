// @ts-check
// Texts for those who watch, and for those who are watched.

/** @import { ErrorCode, WatchingMessage } from "./protocol.generated.d.ts" */

/** @typedef {WatchingMessage["controls"]} ControlState */

/** @type {Readonly<Record<WatchingMessage["state"], string>>} */
export const STATE_TEXTS = { waiting: "Waiting for a world", playing: "Watching", paused: "Paused by the player" };

export const OPENING = "Opening";
export const PLAYING = "You play";

/** @type {Readonly<Record<ControlState, string>>} what the button does */
export const CONTROL_ACTIONS = {
  free: "Ask for the controls",
  asked: "Do not ask any more",
  yours: "Give the controls back",
  taken: "Ask for the controls",
};

/** @type {Readonly<Record<NonNullable<WatchingMessage["answer"]>, string>>} */
export const ANSWER_TEXTS = {
  granted: "The controls are yours: W, A, S, D and the mouse. Click into the picture to look around.",
  declined: "The player keeps the controls for now.",
  taken_back: "The player has taken the controls back.",
};

export const ASKED = "The player has been asked.";
export const TAKEN = "Somebody else plays, or has asked first.";

/** @param {number} watchers */
export function countText(watchers) {
  return watchers === 1 ? "1 person watches" : `${watchers} people watch`;
}

/**
 * @param {ErrorCode | null} code
 * @returns {string}
 */
export function overTitle(code) {
  if (code === "linkUnknown") return "This link opens nothing";
  if (code === "sharingEnded") return "That was it";
  return code === null ? "The connection is lost" : "You cannot watch now";
}

export const UNREACHABLE = "The server cannot be reached at the moment.";

/** @param {number} guest */
export function askText(guest) {
  return `Guest ${guest} asks for the controls.`;
}

/** @param {number} guest */
export function guestText(guest) {
  return `Guest ${guest} plays. You watch.`;
}

export const SHARE_HINT = "Whoever has this link sees this world while you play. It ends when you leave, or after a day.";
export const SHARE_LOCAL =
  "It has the address of this machine, so it works only here: open this page under an address that others use.";

/**
 * @param {string} href of this page
 * @param {string} link
 */
export function watchAddress(href, link) {
  const address = new URL("watch.html", href);
  address.hash = link;
  return address.href;
}
