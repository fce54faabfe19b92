// @ts-check
// Fills the texts of an HTML file, which has keys in their places.

import { LANGUAGE, phrase } from "./texts.js";

/** @import { PhraseKey } from "./texts.js" */

/** @type {Readonly<Record<string, string>>} what a key in this piece of data is for */
const ATTRIBUTES = { label: "aria-label", placeholder: "placeholder" };

/** `data-text` is the text of an element; `{name}` in it is the place of the child with `data-slot="name"`. */
export function fillPage() {
  document.documentElement.lang = LANGUAGE;
  for (const element of elementsWith("data-text")) fill(element, phraseOf(element, "text"));
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    for (const element of elementsWith(`data-${name}`)) element.setAttribute(attribute, phraseOf(element, name));
  }
}

/**
 * @param {string} attribute
 * @returns {NodeListOf<HTMLElement>}
 */
function elementsWith(attribute) {
  return document.querySelectorAll(`[${attribute}]`);
}

/**
 * @param {HTMLElement} element
 * @param {string} name of a piece of its data; a test holds that there is a phrase for each
 */
function phraseOf(element, name) {
  return phrase(/** @type {PhraseKey} */ (element.dataset[name]));
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function fill(element, text) {
  const parts = text.split(/\{(\w+)\}/).map((part, index) => {
    const child = index % 2 === 1 ? element.querySelector(`[data-slot="${part}"]`) : null;
    return child ?? part;
  });
  element.replaceChildren(...parts);
}
