// @ts-check
// The buttons that are down. Several sources (two keys, a gamepad, a finger) may hold the same button.

/** @import { KEY_CODES } from "../protocol.generated.d.ts" */
/** @typedef {keyof KEY_CODES} Button */

export class HeldButtons {
  /** @type {Map<Button, Set<string>>} the sources that hold each button */
  #holders = new Map();
  /** @type {Set<Button>} pressed since the last `take`, even if released again */
  #pressed = new Set();

  /**
   * @param {Button} button
   * @param {string} source such as a physical key, so that one of two Shift keys can be released
   */
  press(button, source) {
    const holders = this.#holders.get(button) ?? new Set();
    if (holders.has(source)) return;
    this.#holders.set(button, holders.add(source));
    this.#pressed.add(button);
  }

  /**
   * @param {Button} button
   * @param {string} source
   */
  release(button, source) {
    const holders = this.#holders.get(button);
    holders?.delete(source);
    if (holders?.size === 0) this.#holders.delete(button);
  }

  /**
   * Press or release a button. For inputs that are polled.
   *
   * @param {Button} button
   * @param {string} source
   * @param {boolean} down
   */
  set(button, source, down) {
    if (down) this.press(button, source);
    else this.release(button, source);
  }

  /**
   * Press a button that has no release, such as a wheel notch. It is down for exactly one `take`.
   *
   * @param {Button} button
   */
  tap(button) {
    this.#pressed.add(button);
  }

  releaseAll() {
    this.#holders.clear();
    this.#pressed.clear();
  }

  /** Whether a button is down, or was pressed since the last `take`. */
  get any() {
    return this.#holders.size > 0 || this.#pressed.size > 0;
  }

  /**
   * The buttons for the next control. A tap that began and ended since the last call is included once.
   *
   * @returns {Button[]} sorted
   */
  take() {
    const buttons = [...new Set([...this.#holders.keys(), ...this.#pressed])].sort();
    this.#pressed.clear();
    return buttons;
  }
}
