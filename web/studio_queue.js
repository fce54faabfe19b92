// @ts-check
// The films that are made or wait, and those that could not be made.

import { byId, make } from "./dom.js";
import { previewUrl } from "./films_rest.js";
import { isOver } from "./job_list.js";
import { fractionText, stateText } from "./job_texts.js";
import { ProgressBar } from "./progress_bar.js";
import { titleOfFilm, wayText } from "./studio_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { Film } from "./films_rest.js" */
/** @import { Job } from "./jobs_rest.js" */

/**
 * @typedef {object} QueueListener
 * @property {(id: string) => void} onCancel
 * @property {(id: string) => void} onRetry
 * @property {(id: string) => void} onRemove
 * @property {(film: Film) => void} onReuse
 */

/** @typedef {{ film: Film, job: Job | null }} Unmade `job`: null before the page has learnt of it */

export class StudioQueue {
  #listener;
  #part = byId("studio-queue-part", HTMLElement);
  #list = byId("studio-queue", HTMLUListElement);
  #waiting = byId("studio-why-waiting", HTMLElement);
  /** @type {Map<string, QueueRow>} */
  #rows = new Map();

  /** @param {QueueListener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /**
   * @param {readonly Unmade[]} unmade
   * @param {string | null} whyWaiting why films wait now
   */
  show(unmade, whyWaiting) {
    this.#part.hidden = unmade.length === 0;
    const isWaiting = unmade.some(({ job }) => job === null || !isOver(job));
    this.#waiting.hidden = whyWaiting === null || !isWaiting;
    this.#waiting.textContent = whyWaiting;
    const ids = new Set(unmade.map(({ film }) => film.id));
    for (const [id, row] of this.#rows) if (!ids.has(id)) this.#drop(id, row);
    for (const one of unmade) this.#rowOf(one.film).show(one);
    const rows = unmade.flatMap(({ film }) => this.#rows.get(film.id)?.element ?? []);
    // Rows that stay are not moved, so that they keep the focus.
    rows.forEach((row, index) => {
      if (this.#list.children[index] !== row) this.#list.insertBefore(row, this.#list.children[index] ?? null);
    });
  }

  /** @param {string} id */
  focus(id) {
    this.#rows.get(id)?.focus();
  }

  /** @param {Film} film */
  #rowOf(film) {
    const known = this.#rows.get(film.id);
    if (known) return known;
    const { onCancel, onRetry, onRemove, onReuse } = this.#listener;
    const { id } = film;
    const row = new QueueRow({
      onCancel: () => onCancel(id),
      onRetry: () => onRetry(id),
      onRemove: () => onRemove(id),
      onReuse: () => onReuse(film),
    });
    this.#rows.set(id, row);
    return row;
  }

  /**
   * @param {string} id
   * @param {QueueRow} row
   */
  #drop(id, row) {
    const hadFocus = row.element.contains(document.activeElement);
    row.element.remove();
    this.#rows.delete(id);
    if (hadFocus) byId("studio-submit", HTMLElement).focus();
  }
}

class QueueRow {
  #title = make("strong", { className: "job-title" });
  #facts = make("p", { className: "recordings-note" });
  #state = make("span");
  #percent = make("span", { className: "job-percent" });
  #progress = new ProgressBar(make("div"));
  #preview = make("img", { className: "job-picture", alt: "", width: 16, height: 9, decoding: "async" });
  #frame = make("div", { className: "job-frame", children: [this.#preview] });
  #cancel;
  #retry;
  #reuse;
  #remove;
  element;

  /** @param {{ onCancel: () => void, onRetry: () => void, onRemove: () => void, onReuse: () => void }} listener */
  constructor({ onCancel, onRetry, onRemove, onReuse }) {
    this.#cancel = button(phrase("common.cancel"), "studio-cancel", () => this.#cancel.ariaDisabled !== "true" && onCancel());
    this.#retry = button(phrase("common.tryAgain"), "studio-retry", onRetry);
    this.#reuse = button(phrase("studio.reuse"), "studio-row-reuse", onReuse);
    this.#remove = button(phrase("common.remove"), "studio-remove", onRemove);
    this.#state.dataset.testid = "studio-state";
    this.#percent.dataset.testid = "studio-percent";
    this.#preview.dataset.testid = "studio-live-preview";
    this.#preview.addEventListener("error", () => this.#preview.removeAttribute("src"));
    const status = make("p", { className: "job-status", children: [this.#state, this.#percent] });
    this.element = make("li", {
      className: "job-row studio-row",
      children: [
        this.#frame,
        make("div", { className: "job-words", children: [this.#title, this.#facts, status, this.#progress.element] }),
        make("p", { className: "job-actions", children: this.#actions }),
      ],
    });
    this.element.dataset.testid = "studio-row";
  }

  get #actions() {
    return [this.#cancel, this.#retry, this.#reuse, this.#remove];
  }

  focus() {
    this.#actions.find(({ hidden }) => !hidden)?.focus();
  }

  /** @param {Unmade} unmade */
  show({ film, job }) {
    const hadFocus = this.element.contains(document.activeElement);
    const title = titleOfFilm(film);
    const now = job ?? asJob(film);
    const isRunning = !isOver(now) && now.state !== "queued";
    this.element.dataset.state = now.state;
    this.element.dataset.film = film.id;
    this.#title.textContent = film.prompt.trim() || title;
    this.#facts.textContent = phrase("studio.withSeed", { title: wayText(film.way), seed: film.seed });
    this.#state.textContent = stateText(now);
    this.#percent.textContent = isRunning && !now.cancelling ? fractionText(now) : "";
    this.#progress.element.hidden = !isRunning;
    this.#progress.element.ariaLabel = title;
    this.#progress.show(now.cancelling ? null : now.fraction);
    this.#showPreview(film.id, isRunning ? (now.amounts?.previews ?? 0) : 0);
    this.#cancel.hidden = isOver(now);
    // A disabled button would lose the focus.
    this.#cancel.ariaDisabled = String(now.cancelling || now.state === "finishing");
    this.#retry.hidden = !now.can_retry;
    this.#reuse.hidden = this.#remove.hidden = !isOver(now);
    for (const action of this.#actions) action.ariaLabel = phrase("common.about", { what: action.textContent ?? "", about: title });
    const isLost = this.#actions.every((action) => action.hidden || action !== document.activeElement);
    if (hadFocus && isLost) this.focus();
  }

  /**
   * @param {string} id
   * @param {number} count of the previews that there have been
   */
  #showPreview(id, count) {
    if (count === 0) return this.#preview.removeAttribute("src");
    const url = previewUrl(id, count);
    if (this.#preview.getAttribute("src") !== url) this.#preview.src = url;
  }
}

/**
 * @param {string} text
 * @param {string} testId
 * @param {() => void} onclick
 */
function button(text, testId, onclick) {
  const element = make("button", { className: "button", type: "button", text, onclick });
  element.dataset.testid = testId;
  return element;
}

/**
 * @param {Film} film
 * @returns {Job} what the answer of the server tells of its job
 */
function asJob({ id, state, request, fault = null, created_at }) {
  return {
    id,
    kind: "video",
    state,
    request: { prompt: request.prompt ?? "" },
    stage: null,
    fraction: null,
    position: null,
    waiting_s: null,
    remaining_s: null,
    result: null,
    files: [],
    fault,
    attempt: 1,
    created_at,
    started_at: null,
    ended_at: null,
    cancelling: false,
    can_retry: ["failed", "cancelled", "interrupted"].includes(state),
  };
}
