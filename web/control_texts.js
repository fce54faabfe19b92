// @ts-check
// Texts about keys: what each action is called, what is printed on a key, and the hint for whoever plays for the first time.

import { knownPhrase, phrase } from "./texts/texts.js";

/** @import { Action, KeyBindings } from "./controls/key_bindings.js" */

/** What no language has another word for. @type {Readonly<Record<string, string>>} */
const SIGNS = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
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
  const name = SIGNS[code] ?? knownPhrase("keyNames", code);
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
  return code === undefined ? phrase("keys.none") : keyText(code, layout);
}

/** @param {Action} action */
export function listeningText(action) {
  return phrase("keys.listening", { action: phrase(`actions.${action}`) });
}

/**
 * @param {string} key as it is printed
 * @param {Action} action
 */
export function boundText(key, action) {
  return phrase("keys.bound", { key, action: phrase(`actions.${action}`) });
}

/**
 * @param {string} key as it is printed
 * @param {Action} loser
 */
export function takenText(key, loser) {
  return phrase("keys.taken", { key, action: phrase(`actions.${loser}`) });
}

/** @param {string} key as it is printed */
export function notBindableText(key) {
  return phrase("keys.notBindable", { key });
}

/**
 * @param {KeyBindings} bindings
 * @param {Layout} [layout]
 */
export function firstHintText(bindings, layout) {
  const keys = /** @type {const} */ (["forward", "left", "back", "right"]).map((one) => firstKeyText(bindings, one, layout));
  const walk = keys.every((key) => key.length === 1) ? keys.join("") : keys.join(", ");
  return phrase("play.firstHint", { keys: walk });
}
