// @ts-check
// The person's settings, stored in this browser.

import { KeyBindings } from "./controls/key_bindings.js";

/** @typedef {"auto" | "light" | "dark"} Theme `auto` is as the system has it */

const KEY = "terrarium.settings";

/**
 * @typedef {object} Settings
 * @property {number} sensitivity factor for mouse, stick and finger motion
 * @property {boolean} invertLook whether moving the mouse up looks down
 * @property {boolean} capFps whether the world runs at its nominal rate instead of as fast as the machine can
 * @property {boolean} alwaysVideo whether frames come as H.264 whatever the link
 * @property {boolean} overlay
 * @property {Theme} theme
 * @property {boolean} stepSounds whether steps are heard
 * @property {boolean} reducedMotion whether the page moves nothing, even if the system would have it move
 * @property {boolean} knowsControls whether the person has walked and looked around, and needs no hint any more
 * @property {KeyBindings} keys
 */

/** @type {readonly Theme[]} */
export const THEMES = ["auto", "light", "dark"];

/** @type {Omit<Settings, "keys">} */
const DEFAULTS = {
  sensitivity: 1.8,
  invertLook: false,
  capFps: true,
  alwaysVideo: false,
  overlay: false,
  theme: "auto",
  stepSounds: false,
  reducedMotion: false,
  knowsControls: false,
};

/**
 * @param {() => Pick<Storage, "getItem">} storage raises where storage is blocked
 * @returns {Settings}
 */
export function loadSettings(storage = () => localStorage) {
  const stored = read(storage);
  const known = Object.entries(DEFAULTS).filter(([name, value]) => typeof stored[name] === typeof value);
  const own = { ...DEFAULTS, ...Object.fromEntries(known.map(([name]) => [name, stored[name]])) };
  return { ...own, theme: asTheme(own.theme), keys: KeyBindings.from(stored.keys) };
}

/**
 * @param {string} name
 * @returns {Theme} the default for a name that is none
 */
export function asTheme(name) {
  return THEMES.find((theme) => theme === name) ?? DEFAULTS.theme;
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
 * @param {() => Pick<Storage, "getItem">} storage
 * @returns {Record<string, unknown>}
 */
function read(storage) {
  try {
    const stored = JSON.parse(storage().getItem(KEY) ?? "{}");
    return typeof stored === "object" && stored !== null ? stored : {};
  } catch {
    // Storage may be blocked, or contain something else.
    return {};
  }
}
