// @ts-check
// The scene edits of the present world, newest last, and what undoing one removes.

/**
 * @typedef {object} Edit
 * @property {string} prompt
 * @property {string} moment that was kept right before the edit
 * @property {Date} madeAt
 * @property {string} before address of a picture
 * @property {string} after
 */

export class AuthoringHistory {
  /** @type {Edit[]} */
  #edits = [];

  get edits() {
    return /** @type {readonly Edit[]} */ (this.#edits);
  }

  /** @returns {Edit | null} */
  get last() {
    return this.#edits.at(-1) ?? null;
  }

  /** @param {Edit} edit */
  add(edit) {
    this.#edits.push(edit);
  }

  /**
   * @param {Edit} edit
   * @returns {number} how many were made after it
   */
  laterThan(edit) {
    return this.#edits.length - 1 - this.#edits.indexOf(edit);
  }

  /** @param {Edit} edit that is undone together with all later ones */
  undone(edit) {
    const at = this.#edits.indexOf(edit);
    if (at >= 0) this.#edits.length = at;
  }

  /** @param {Date} moment that the world went back to; later edits are removed */
  wentBackTo(moment) {
    this.#edits = this.#edits.filter(({ madeAt }) => madeAt <= moment);
  }

  /** Remove all edits, because another world begins. */
  clear() {
    this.#edits = [];
  }
}
