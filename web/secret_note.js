// @ts-check
// Shows something that the server tells only once, such as a token, until the person has taken it.

import { make } from "./dom.js";
import { phrase } from "./texts/texts.js";

const COPIED_MS = 1600;

export class SecretNote {
  #text = make("p");
  #value = make("input", { className: "text-field secret-value", type: "text", readOnly: true, spellcheck: false });
  #copy = make("button", { className: "button is-primary", type: "button", text: phrase("common.copy") });
  #status = make("p", { className: "field-hint" });
  /** @type {HTMLElement | null} */
  #picture = null;
  element;

  /**
   * @param {string} label of the value, for screen readers
   * @param {HTMLElement} successor gets the focus when the note is gone
   */
  constructor(label, successor) {
    const done = make("button", { className: "button is-quiet", type: "button", text: phrase("common.done") });
    const buttons = make("p", { className: "button-row", children: [this.#copy, done] });
    this.element = make("div", {
      className: "secret-note",
      role: "group",
      ariaLabel: label,
      hidden: true,
      children: [this.#text, this.#value, buttons, this.#status],
    });
    this.#value.ariaLabel = label;
    this.#status.role = "status";
    this.#copy.addEventListener("click", () => void this.#copyValue());
    this.#value.addEventListener("focus", () => this.#value.select());
    done.addEventListener("click", () => {
      this.hide();
      successor.focus();
    });
    this.#value.dataset.testid = "secret-value";
    this.#copy.dataset.testid = "secret-copy";
    done.dataset.testid = "secret-done";
  }

  /**
   * @param {string} value
   * @param {string} text what it is for
   * @param {HTMLElement | null} picture of the value, such as a code to scan
   */
  show(value, text, picture = null) {
    this.#showPicture(picture);
    this.#value.value = value;
    this.#text.textContent = text;
    this.#status.textContent = "";
    this.element.hidden = false;
    this.#copy.focus();
    this.element.scrollIntoView({ block: "nearest" });
  }

  hide() {
    this.element.hidden = true;
    this.#value.value = "";
    this.#showPicture(null);
  }

  /** @param {HTMLElement | null} picture */
  #showPicture(picture) {
    this.#picture?.remove();
    this.#picture = picture;
    if (picture) this.element.append(picture);
  }

  async #copyValue() {
    try {
      await navigator.clipboard.writeText(this.#value.value);
      this.#copy.textContent = phrase("common.copied");
      this.#status.textContent = phrase("secret.copied");
      setTimeout(() => (this.#copy.textContent = phrase("common.copy")), COPIED_MS);
    } catch {
      // Browsers have a clipboard only on this machine and over HTTPS.
      this.#status.textContent = phrase("secret.noClipboard");
      this.#value.focus();
    }
  }
}
