// @ts-check
// Turns physical keys into held buttons, and runs the page's own shortcuts.

/** @import { HeldButtons } from "./held_buttons.js" */
/** @import { KeyBindings, Shortcut } from "./key_bindings.js" */

/** @typedef {Readonly<Record<Shortcut | "pause", () => void>>} Shortcuts */

/** Escape cannot be bound, because browsers end the pointer lock with it. */
const PAUSE = /** @type {const} */ ({ shortcut: "pause" });

export class Keyboard {
  #buttons;
  #bindings;
  #shortcuts;
  #onChange;
  #ctrlIsDown = false;

  /**
   * @param {HeldButtons} buttons
   * @param {() => KeyBindings} bindings in force now
   * @param {Shortcuts} shortcuts
   * @param {() => void} onChange
   */
  constructor(buttons, bindings, shortcuts, onChange) {
    this.#buttons = buttons;
    this.#bindings = bindings;
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
    const meaning = event.code === "Escape" ? PAUSE : this.#bindings().meaningOf(event.code);
    // While the command key is down the system hides releases, so all buttons must be released before.
    if (!meaning || event.metaKey) return;
    event.preventDefault();
    this.#ctrlIsDown = event.ctrlKey;
    if (event.repeat) return;
    if ("button" in meaning) {
      this.#buttons.press(meaning.button, event.code);
      this.#onChange();
    } else if (!event.ctrlKey) {
      this.#shortcuts[meaning.shortcut]();
    }
  }

  /** @param {KeyboardEvent} event */
  #up(event) {
    this.#ctrlIsDown = event.ctrlKey;
    const button = this.#buttonOf(event);
    if (event.key === "Meta") this.#buttons.releaseAll();
    else if (button) this.#buttons.release(button, event.code);
    else return;
    event.preventDefault();
    this.#onChange();
  }

  /** @param {KeyboardEvent} event */
  #buttonOf({ code }) {
    const meaning = this.#bindings().meaningOf(code);
    return meaning && "button" in meaning ? meaning.button : null;
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
