// @ts-check
// The text box for scenes in words: a dialog that takes a prompt, shows how far it is, and lets go of it.

import { stepFraction } from "./authoring_texts.js";
import { byId } from "./dom.js";
import { ProgressBar } from "./progress_bar.js";

/** @typedef {{ title: string, hint: string, submit: string }} PromptTexts `submit` is what the button says */

/**
 * @typedef {object} PromptBoxListener
 * @property {(prompt: string) => void} onPrompt
 * @property {() => void} onCancel what is being made shall not be made
 * @property {() => void} onClosed however that came about
 */

export class PromptBox {
  #listener;
  #isBusy = false;
  #isAvailable = true;
  #dialog = byId("authoring", HTMLDialogElement);
  #title = byId("authoring-title", HTMLElement);
  #prompt = byId("authoring-prompt", HTMLTextAreaElement);
  #submit = byId("authoring-submit", HTMLButtonElement);
  #leave = byId("authoring-close", HTMLButtonElement);
  #leaveLabel = byId("authoring-close-label", HTMLElement);
  #status = byId("authoring-status", HTMLElement);
  #progress = new ProgressBar(byId("authoring-progress", HTMLElement));

  /** @param {PromptBoxListener} listener */
  constructor(listener) {
    this.#listener = listener;
    byId("authoring-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    this.#prompt.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#ask();
    });
    this.#leave.addEventListener("click", () => this.#leaveOrCancel());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#leaveOrCancel();
    });
    this.#dialog.addEventListener("close", () => listener.onClosed());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /**
   * A prompt that was not fulfilled is still there, selected.
   *
   * @param {PromptTexts} words
   * @param {boolean} isOverWorld else over the gallery
   */
  open({ title, hint, submit }, isOverWorld) {
    if (this.#title.textContent !== title) this.#prompt.value = "";
    this.#title.textContent = title;
    this.#prompt.placeholder = hint;
    this.#submit.textContent = submit;
    this.#dialog.dataset.over = isOverWorld ? "world" : "gallery";
    this.setBusy(false);
    this.say("");
    this.#dialog.showModal();
    this.focus();
  }

  close() {
    this.#dialog.close();
  }

  /** @param {string} prompt to be changed, or sent as it is */
  write(prompt) {
    this.#prompt.value = prompt;
    this.focus();
  }

  focus() {
    this.#prompt.focus();
    this.#prompt.select();
  }

  /** @param {string | null} reason why nothing can be wished for here; null when something can */
  setObstacle(reason) {
    const isNew = this.#isAvailable !== (reason === null);
    this.#isAvailable = reason === null;
    this.#prompt.hidden = this.#submit.hidden = !this.#isAvailable;
    if (reason !== null) this.say(reason, "problem");
    else if (isNew) this.say("");
    if (isNew && this.isOpen) (this.#isAvailable ? this.#prompt : this.#leave).focus();
  }

  /** @param {boolean} isBusy something is being made, and can be cancelled */
  setBusy(isBusy) {
    // A button that is disabled would let go of the focus.
    if (isBusy && document.activeElement === this.#submit) this.#prompt.focus();
    this.#isBusy = isBusy;
    this.#dialog.ariaBusy = String(isBusy);
    this.#submit.disabled = this.#prompt.readOnly = isBusy;
    this.#leaveLabel.textContent = isBusy ? "Cancel" : "Close";
    this.#progress.element.hidden = !isBusy;
    if (isBusy) this.#progress.show(null);
  }

  /**
   * @param {string} text
   * @param {number} [fraction] absent while it is not known
   */
  showProgress(text, fraction) {
    this.say(text);
    this.#progress.show(stepFraction(fraction));
  }

  /**
   * @param {string} text
   * @param {"progress" | "problem"} kind
   */
  say(text, kind = "progress") {
    // The same words again are no news to whoever listens to the page.
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#status.dataset.kind = kind;
    this.#status.hidden = text === "";
  }

  #ask() {
    if (this.#isBusy || !this.#isAvailable) return;
    this.#listener.onPrompt(this.#prompt.value.trim());
  }

  #leaveOrCancel() {
    if (this.#isBusy) this.#listener.onCancel();
    else this.close();
  }
}
