// @ts-check
// Texts for those who watch, and for those who are watched.

import { phrase } from "./texts/texts.js";

/** @import { ErrorCode, SharingData } from "./protocol.generated.d.ts" */

/** @param {number} watchers */
export function countText(watchers) {
  return phrase("sharing.watchers", { count: watchers });
}

/**
 * What somebody who watches does.
 *
 * @param {number} guest
 * @param {SharingData} sharing
 */
export function guestState(guest, { asking, guest: playing }) {
  if (guest === playing) return phrase("sharing.guestPlays");
  return phrase(guest === asking ? "sharing.guestAsks" : "sharing.guestWatches");
}

/**
 * @param {ErrorCode | null} code
 * @returns {string}
 */
export function overTitle(code) {
  if (code === "linkUnknown" || code === "sharingEnded") return phrase(`watch.${code}`);
  return phrase(code === null ? "watch.lost" : "watch.cannot");
}

/**
 * @param {string} href of this page
 * @param {string} link
 */
export function watchAddress(href, link) {
  const address = new URL("watch.html", href);
  address.hash = link;
  return address.href;
}
