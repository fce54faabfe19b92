// @ts-check
// The gallery's card of a scene that is being made: its prompt, its progress, or why it failed.

import { stepFraction } from "./authoring_texts.js";
import { make } from "./dom.js";
import { isOver } from "./job_list.js";
import { stateText } from "./job_texts.js";
import { ProgressBar } from "./progress_bar.js";
import { phrase } from "./texts/texts.js";

/** @import { Job } from "./jobs_rest.js" */

/**
 * @typedef {object} JobCardListener
 * @property {() => void} onDismiss cancel the job, or remove the card of a failed one
 * @property {() => void} onAgain
 */

export class JobCard {
  #prompt;
  #text = make("p", { className: "job-text" });
  #progress = new ProgressBar(make("div"));
  #again;
  #dismiss;
  element;

  /**
   * @param {string} prompt
   * @param {JobCardListener} listener
   */
  constructor(prompt, { onDismiss, onAgain }) {
    this.#prompt = prompt;
    this.#text.setAttribute("role", "status");
    this.#text.dataset.testid = "job-text";
    this.#progress.element.ariaLabel = prompt;
    this.#again = make("button", { className: "button", type: "button", text: phrase("gallery.otherWords"), onclick: onAgain });
    this.#again.dataset.testid = "job-again";
    this.#dismiss = make("button", { className: "icon-button seed-delete", type: "button", text: "×", onclick: onDismiss });
    this.#dismiss.dataset.testid = "job-dismiss";
    const title = make("strong", { text: prompt, title: prompt });
    const children = [title, this.#text, this.#progress.element, this.#again, this.#dismiss];
    this.element = make("li", { className: "seed-card is-job", children });
    this.element.dataset.testid = "scene-job";
  }

  get hasFocus() {
    return this.element.contains(document.activeElement);
  }

  /** @param {Job} job that is waiting, is running or has failed */
  show(job) {
    const isFailed = isOver(job) && job.state !== "done";
    const text = stateText(job);
    // A screen reader should not repeat an unchanged text.
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.element.classList.toggle("is-failed", isFailed);
    this.#again.hidden = !isFailed;
    this.#dismiss.ariaLabel = phrase("common.about", { what: phrase(isFailed ? "common.remove" : "common.cancel"), about: this.#prompt });
    this.#progress.element.hidden = isFailed || job.state === "queued";
    this.#progress.show(stepFraction(job.fraction));
  }
}
