// @ts-check
// Texts about keys: what each action is called, what is printed on a key, and the hint for whoever plays for the first time.

/** @import { Action, KeyBindings } from "./controls/key_bindings.js" */

/** @type {Readonly<Record<Action, string>>} */
export const ACTION_TEXTS = {
  forward: "Walk forward",
  back: "Walk back",
  left: "Step left",
  right: "Step right",
  jump: "Jump",
  sprint: "Sprint",
  crouch: "Crouch",
  turnLeft: "Turn left",
  turnRight: "Turn right",
  lookUp: "Look up",
  lookDown: "Look down",
  rewind: "Rewind",
  reset: "Start over",
  editScene: "Change the scene",
  record: "Record",
  keepClip: "Keep the last 15 s",
  screenshot: "Save a picture",
  statistics: "Show statistics",
};

export const NO_KEY_TEXT = "No key";
export const PRESS_A_KEY = "Press a key";
export const RESET_TEXT = "All keys are as they were at first.";

/** @type {Readonly<Record<string, string>>} */
const NAMES = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  ShiftLeft: "Shift",
  ShiftRight: "Right Shift",
  ControlLeft: "Ctrl",
  ControlRight: "Right Ctrl",
  AltLeft: "Alt",
  AltRight: "Right Alt",
  Minus: "-",
  Equal: "=",
  BracketLeft: "[",
  BracketRight: "]",
  Backslash: "\\",
  Semicolon: ";",
  Quote: "'",
  Backquote: "`",
  Comma: ",",
  Period: ".",
  Slash: "/",
};

/** @typedef {ReadonlyMap<string, string>} Layout what the person's keyboard prints on its keys, by code */

/**
 * @param {string} code `KeyboardEvent.code`
 * @param {Layout} [layout] for letters, which differ between countries
 * @returns {string} what is printed on the key
 */
export function keyText(code, layout) {
  const name = NAMES[code];
  const printed = layout?.get(code);
  if (printed && printed.trim() !== "") return printed.toUpperCase();
  if (name) return name;
  return code.replace(/^(?:Key|Digit)(?=.$)/, "").replace(/^Numpad(?=.)/, "Numpad ").replace(/(?<=[a-z])(?=[A-Z])/g, " ");
}

/**
 * @param {KeyBindings} bindings
 * @param {Action} action
 * @param {Layout} [layout]
 * @returns {string} its first key; both sides of the keyboard need not be named
 */
export function firstKeyText(bindings, action, layout) {
  const [code] = bindings.keysOf(action);
  return code === undefined ? NO_KEY_TEXT : keyText(code, layout);
}

/** @param {Action} action */
export function listeningText(action) {
  return `Press the key for “${ACTION_TEXTS[action]}”. Esc keeps the present one.`;
}

/**
 * @param {string} key as it is printed
 * @param {Action} action
 */
export function boundText(key, action) {
  return `${key} is the key of “${ACTION_TEXTS[action]}” now.`;
}

/**
 * @param {string} key as it is printed
 * @param {Action} loser
 */
export function takenText(key, loser) {
  return `${key} was the key of “${ACTION_TEXTS[loser]}”, which has none now.`;
}

/** @param {string} key as it is printed */
export function notBindableText(key) {
  return `${key} belongs to the browser or to the menu. Press another key.`;
}

/**
 * @param {KeyBindings} bindings
 * @param {Layout} [layout]
 */
export function firstHintText(bindings, layout) {
  const keys = /** @type {const} */ (["forward", "left", "back", "right"]).map((one) => firstKeyText(bindings, one, layout));
  const walk = keys.every((key) => key.length === 1) ? keys.join("") : keys.join(", ");
  return `Click into the world: ${walk} walks, the mouse looks around. Esc opens the menu.`;
}

export const FIRST_TOUCH_HINT = "The left half walks, further out it sprints. The right half looks around, two taps jump.";
export const CLICK_HINT = "Click to look around";
