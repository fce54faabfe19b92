// @ts-check
// The changes of a scene in words, newest last, and what undoing one takes back.

/** @typedef {{ wish: string, moment: string, before: string, after: string }} Edit `moment`: kept right before it */

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

  /** @param {Edit} edit what is undone, with all that came after it */
  undone(edit) {
    const at = this.#edits.indexOf(edit);
    if (at >= 0) this.#edits.length = at;
  }

  /** Another world, where none of it happened. */
  clear() {
    this.#edits = [];
  }
}
