// @ts-check
// Maps physical keys to buttons, and handles the page's own shortcuts.

/** @import { Button, HeldButtons } from "./held_buttons.js" */

/** @type {Readonly<Record<string, Button>>} */
const NAMED_KEYS = {
  ArrowUp: "UP",
  ArrowDown: "DOWN",
  ArrowLeft: "LEFT",
  ArrowRight: "RIGHT",
  ShiftLeft: "SHIFT",
  ShiftRight: "SHIFT",
  ControlLeft: "CTRL",
  ControlRight: "CTRL",
  AltLeft: "ALT",
  AltRight: "ALT",
  Space: "SPACE",
  Tab: "TAB",
  Enter: "ENTER",
  NumpadEnter: "ENTER",
};

/**
 * Maps by the position on the keyboard, not by letter, so WASD is at the same place on every layout.
 *
 * @param {string} code `KeyboardEvent.code`
 * @returns {Button | null}
 */
export function buttonOfKey(code) {
  const letterOrDigit = /^(?:Key([A-Z])|Digit([0-9]))$/.exec(code);
  if (letterOrDigit) return /** @type {Button} */ (letterOrDigit[1] ?? letterOrDigit[2]);
  return NAMED_KEYS[code] ?? null;
}

/** @typedef {Readonly<Record<string, () => void>>} Shortcuts by `KeyboardEvent.code` */

export class Keyboard {
  #buttons;
  #shortcuts;
  #onChange;
  #ctrlIsDown = false;

  /**
   * @param {HeldButtons} buttons
   * @param {Shortcuts} shortcuts
   * @param {() => void} onChange
   */
  constructor(buttons, shortcuts, onChange) {
    this.#buttons = buttons;
    this.#shortcuts = shortcuts;
    this.#onChange = onChange;
  }

  /** @param {AbortSignal} signal ends it */
  listen(signal) {
    this.#ctrlIsDown = false;
    window.addEventListener("keydown", (event) => this.#down(event), { signal });
    window.addEventListener("keyup", (event) => this.#up(event), { signal });
    window.addEventListener("beforeunload", (event) => this.#guardClosing(event), { signal });
  }

  /** @param {KeyboardEvent} event */
  #down(event) {
    const shortcut = this.#shortcuts[event.code];
    if (shortcut && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (!event.repeat) shortcut();
      return;
    }
    const button = buttonOfKey(event.code);
    // While the command key is down the system hides releases, so all buttons must be released before.
    if (!button || event.metaKey) return;
    event.preventDefault();
    this.#ctrlIsDown = event.ctrlKey;
    if (event.repeat) return;
    this.#buttons.press(button, event.code);
    this.#onChange();
  }

  /** @param {KeyboardEvent} event */
  #up(event) {
    this.#ctrlIsDown = event.ctrlKey;
    const button = buttonOfKey(event.code);
    if (event.key === "Meta") this.#buttons.releaseAll();
    else if (button) this.#buttons.release(button, event.code);
    else return;
    event.preventDefault();
    this.#onChange();
  }

  /**
   * Ctrl+W (crouch and walk) closes the tab, which a page cannot prevent. So let the browser ask first.
   *
   * @param {BeforeUnloadEvent} event
   */
  #guardClosing(event) {
    if (this.#ctrlIsDown) event.preventDefault();
  }
}
