// @ts-check
// A button for what cannot be undone: a second press within a few seconds confirms the first.

import { make } from "./dom.js";
import { phrase } from "./texts/texts.js";

const SURE_MS = 5000;

/**
 * @typedef {object} SureButtonOptions
 * @property {string} text
 * @property {string} sureText the text while a second press is awaited
 * @property {string} about what it would happen to, for screen readers
 * @property {string} testId
 * @property {() => void} onSure
 */

/** @param {SureButtonOptions} options */
export function sureButton({ text, sureText, about, testId, onSure }) {
  const button = make("button", { className: "button is-quiet is-danger", type: "button" });
  let timer = 0;
  const ask = (/** @type {boolean} */ isSure) => {
    clearTimeout(timer);
    button.textContent = isSure ? sureText : text;
    button.ariaLabel = phrase("common.about", { what: button.textContent, about });
    button.dataset.isSure = String(isSure);
    if (isSure) timer = window.setTimeout(() => ask(false), SURE_MS);
  };
  button.dataset.testid = testId;
  button.addEventListener("click", () => {
    const isSure = button.dataset.isSure === "true";
    ask(!isSure);
    if (isSure) onSure();
  });
  ask(false);
  return button;
}
