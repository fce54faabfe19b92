// @ts-check
// Hands a picture of the world to the person: as a file, or on the clipboard.

import { make } from "./dom.js";

const LONGEST_TITLE = 60;

/**
 * @param {string} title of the place
 * @param {Date} moment
 * @returns {string} a file name that every system accepts, such as `Quiet hall 2026-11-27 14.03.09.png`
 */
export function fileNameOf(title, moment) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const date = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  const time = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(".");
  const words = title.replace(/[\p{C}<>:"/\\|?*]+/gu, " ").replace(/\s+/g, " ").trim().replace(/^\.+/, "");
  return `${words.slice(0, LONGEST_TITLE).trim() || "Terrarium"} ${date} ${time}.png`;
}

/**
 * @param {Blob} picture
 * @param {string} name of the file
 */
export function saveFile(picture, name) {
  const href = URL.createObjectURL(picture);
  make("a", { href, download: name }).click();
  // Firefox begins to read only after this task.
  setTimeout(() => URL.revokeObjectURL(href));
}

/**
 * @param {Promise<Blob>} picture a PNG; browsers want to be asked before it is ready
 * @returns {Promise<boolean>} false where the browser does not allow it
 */
export async function copyPicture(picture) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} false where the browser does not allow it, as over plain HTTP from another machine
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
