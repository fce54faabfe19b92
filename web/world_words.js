// @ts-check
// The words that steer the world in play, as a field of the menu. Pictures made from words are in authoring.js.

import { byId } from "./dom.js";

export class WorldWords {
  #form = byId("words", HTMLFormElement);
  #input = byId("words-input", HTMLInputElement);

  /** @param {(words: string) => void} onSay the words are empty if there shall be none */
  constructor(onSay) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      onSay(this.#input.value.trim());
    });
    // What is typed here is no shortcut of the menu. Escape still closes it.
    this.#input.addEventListener("keydown", (event) => event.key !== "Escape" && event.stopPropagation());
  }

  /** @param {boolean} isHeard whether the world in play hears words */
  show(isHeard) {
    this.#form.hidden = !isHeard;
  }

  /** Another world begins without words. */
  forget() {
    this.#input.value = "";
  }
}
