// @ts-check
// The dialog for scenes from prompts: takes a prompt, shows the progress, and can cancel it.

import { stepFraction } from "./authoring_texts.js";
import { byId } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { ProgressBar } from "./progress_bar.js";
import { phrase } from "./texts/texts.js";

/** @typedef {{ title: string, hint: string, submit: string }} PromptTexts `submit` is the label of the button */

/**
 * @typedef {object} PromptBoxListener
 * @property {(prompt: string) => void} onPrompt
 * @property {() => void} onCancel the person cancels the running request
 * @property {() => void} onClosed the dialog was closed, whatever the reason
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
  #mend = byId("authoring-mend", HTMLElement);
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
    keepFocusInside(this.#dialog);
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
   * Open the dialog. The previous prompt is still there and selected, unless it was fulfilled.
   *
   * @param {PromptTexts} words
   * @param {boolean} isOverWorld whether it covers the world or the gallery
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

  /** @param {string} prompt to show; the person can edit it */
  write(prompt) {
    this.#prompt.value = prompt;
    this.focus();
  }

  focus() {
    this.#prompt.focus();
    this.#prompt.select();
  }

  /**
   * @param {string | null} reason why scenes are not available; null if they are
   * @param {boolean} canMend whether the person can enter in the settings what is missing
   */
  setObstacle(reason, canMend) {
    this.#mend.hidden = reason === null || !canMend;
    const isNew = this.#isAvailable !== (reason === null);
    this.#isAvailable = reason === null;
    this.#prompt.hidden = this.#submit.hidden = !this.#isAvailable;
    if (reason !== null) this.say(reason, "problem");
    else if (isNew) this.say("");
    if (isNew && this.isOpen) (this.#isAvailable ? this.#prompt : canMend ? this.#mend : this.#leave).focus();
  }

  /** @param {boolean} isBusy whether a request is running, which can be cancelled */
  setBusy(isBusy) {
    // A button loses the focus when it is disabled.
    if (isBusy && document.activeElement === this.#submit) this.#prompt.focus();
    this.#isBusy = isBusy;
    this.#dialog.ariaBusy = String(isBusy);
    this.#submit.disabled = this.#prompt.readOnly = isBusy;
    this.#leaveLabel.textContent = phrase(isBusy ? "common.cancel" : "common.close");
    this.#progress.element.hidden = !isBusy;
    if (isBusy) this.#progress.show(null);
  }

  /**
   * @param {string} text
   * @param {number} [fraction] absent while it is unknown
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
    // A screen reader should not repeat an unchanged text.
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
