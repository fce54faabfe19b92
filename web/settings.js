// @ts-check
// The person's settings, stored in this browser.

const KEY = "terrarium.settings";

/**
 * @typedef {object} Settings
 * @property {number} sensitivity factor for mouse, stick and finger motion
 * @property {boolean} capFps whether the world runs at its nominal rate instead of as fast as the machine can
 * @property {boolean} overlay
 */

/** @type {Settings} */
const DEFAULTS = { sensitivity: 1.8, capFps: true, overlay: false };

/** @returns {Settings} */
export function loadSettings() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { ...DEFAULTS, ...onlyOfSameType(stored) };
  } catch {
    // Storage may be blocked, or contain something else.
    return { ...DEFAULTS };
  }
}

/** @param {Settings} settings */
export function saveSettings(settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Then the settings last as long as the page.
  }
}

/**
 * @param {Record<string, unknown>} stored
 * @returns {Partial<Settings>}
 */
function onlyOfSameType(stored) {
  const known = Object.entries(DEFAULTS).filter(([key, value]) => typeof stored[key] === typeof value);
  return Object.fromEntries(known.map(([key]) => [key, stored[key]]));
}
