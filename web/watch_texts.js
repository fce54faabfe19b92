// @ts-check
// Texts for those who watch, and for those who are watched.

import { phrase } from "./texts/texts.js";

/** @import { ErrorCode } from "./protocol.generated.d.ts" */

/** @param {number} watchers */
export function countText(watchers) {
  return phrase("sharing.watchers", { count: watchers });
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
