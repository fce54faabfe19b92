// @ts-check
// The changes of a scene in words, newest last, and what undoing one takes back.

/**
 * @typedef {object} Edit
 * @property {string} prompt
 * @property {string} moment kept right before it
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

  /** @param {Edit} edit what is undone, with all that came after it */
  undone(edit) {
    const at = this.#edits.indexOf(edit);
    if (at >= 0) this.#edits.length = at;
  }

  /** @param {Date} moment that the world went back to: what was changed later did not happen there */
  wentBackTo(moment) {
    this.#edits = this.#edits.filter(({ madeAt }) => madeAt <= moment);
  }

  /** Another world, where none of it happened. */
  clear() {
    this.#edits = [];
  }
}
