// @ts-check
// Texts about the picture that is on the screen, and about links to places.

export const PICTURE_SAVED = "The picture is saved among your downloads.";
export const PICTURE_COPIED = "The picture is on the clipboard.";
export const PICTURE_NOT_COPIED = "This browser does not let the page copy pictures here. Save the picture instead.";
export const LINK_COPIED = "The link is on the clipboard. Whoever may use this server can open it.";
export const LINK_UNKNOWN = "The place of this link is not on this server, or not yours to see.";
export const WORLD_KEEPS_ENGINE = "A saved world stays in the engine that it was made in.";

/** @param {string} title of a saved world */
export function openSavedText(title) {
  return `Open “${title}”, which was saved`;
}

/** @param {number} lostS seconds of play that are gone */
export function resumedText(lostS) {
  return lostS > 0 ? `You are back, ${lostS.toFixed(1)} s before you left.` : "You are back where you were.";
}

/** @param {string} link which the browser did not let the page copy */
export function linkText(link) {
  return `This browser does not let the page copy here. The link is ${link}`;
}
