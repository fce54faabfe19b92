// @ts-check
// One job in the jobs dialog: what it makes, how far it is, what became of it, and what can be done with it.

import { stepFraction } from "./authoring_texts.js";
import { make } from "./dom.js";
import { FeedbackControl } from "./feedback.js";
import { isOver } from "./job_list.js";
import { factsOfJob, filmText, fractionText, scriptText, stateText } from "./job_texts.js";
import { jobFileUrl } from "./jobs_rest.js";
import { ProgressBar } from "./progress_bar.js";
import { phrase } from "./texts/texts.js";

/** @import { Job } from "./jobs_rest.js" */

const SURE_MS = 5000;

/** @typedef {{ title: string, pictureUrl: string | null }} JobLooks `pictureUrl` is of the scene, or of the filmed world */

/**
 * @typedef {object} JobRowListener
 * @property {() => void} onCancel
 * @property {() => void} onRetry
 * @property {() => void} onRemove
 * @property {() => void} onPlay the scene
 * @property {(() => void) | null} onShow the scene in the gallery; null if the gallery is not on the screen
 * @property {() => void} onWatch the film
 */

export class JobRow {
  #listener;
  #isSure = false;
  #sureTimer = 0;
  /** @type {Job | null} */
  #job = null;
  #title = make("strong", { className: "job-title" });
  #facts = make("p", { className: "recordings-note" });
  #state = make("span");
  #percent = make("span", { className: "job-percent" });
  #progress = new ProgressBar(make("div"));
  #picture = make("img", { className: "job-picture", alt: "", width: 16, height: 9, loading: "lazy", decoding: "async" });
  #feedback = new FeedbackControl();
  #play;
  #show;
  #watch;
  #download = make("a", { className: "button", download: "", text: phrase("common.download") });
  #world = make("a", { className: "button", download: "", text: phrase("jobs.downloadWorld") });
  #retry;
  #cancel;
  #remove;
  element;

  /** @param {JobRowListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#play = button(phrase("common.play"), "job-play", listener.onPlay);
    this.#show = button(phrase("jobs.showInGallery"), "job-show", () => listener.onShow?.());
    this.#watch = button(phrase("common.watch"), "job-watch", listener.onWatch);
    this.#download.dataset.testid = "job-download";
    this.#world.dataset.testid = "job-world";
    this.#retry = button(phrase("common.tryAgain"), "job-retry", listener.onRetry);
    this.#cancel = button(phrase("common.cancel"), "job-cancel", () => {
      if (this.#cancel.ariaDisabled !== "true") listener.onCancel();
    });
    this.#remove = button(phrase("common.remove"), "job-remove", () => this.#askToRemove());
    this.#state.dataset.testid = "job-state";
    // A picture that was deleted elsewhere leaves its place empty.
    this.#picture.addEventListener("error", () => this.#picture.removeAttribute("src"));
    const status = make("p", { className: "job-status", children: [this.#state, this.#percent] });
    const words = [this.#title, this.#facts, status, this.#progress.element, this.#feedback.element];
    this.element = make("li", {
      className: "job-row",
      children: [
        make("div", { className: "job-frame", children: [this.#picture] }),
        make("div", { className: "job-words", children: words }),
        make("p", { className: "job-actions", children: this.#actions }),
      ],
    });
    this.element.dataset.testid = "job";
  }

  get #actions() {
    return [this.#play, this.#watch, this.#show, this.#download, this.#world, this.#retry, this.#cancel, this.#remove];
  }

  /** Whether what has the focus is there for it. */
  get #isFocusable() {
    const focused = document.activeElement;
    if (focused && this.#feedback.element.contains(focused)) return !this.#feedback.element.hidden;
    return this.#actions.some((action) => !action.hidden && action === focused);
  }

  get hasFocus() {
    return this.element.contains(document.activeElement);
  }

  /** Focus the first thing that can be done with the job. */
  focus() {
    this.#actions.find(({ hidden }) => !hidden)?.focus();
  }

  /**
   * @param {Job} job
   * @param {JobLooks} looks
   */
  show(job, { title, pictureUrl }) {
    const hadFocus = this.hasFocus;
    if (job.state !== this.#job?.state) this.#beUnsure();
    this.#job = job;
    this.element.dataset.state = job.state;
    this.#title.textContent = title;
    this.#title.title = title;
    this.#facts.textContent = factsOfJob(job, Date.now() / 1000);
    this.#showProgress(job, title);
    this.#showActions(job, title, pictureUrl !== null);
    if (pictureUrl === null) this.#picture.removeAttribute("src");
    else if (this.#picture.getAttribute("src") !== pictureUrl) this.#picture.src = pictureUrl;
    this.element.dataset.kind = job.kind;
    // The button with the focus may have been hidden; browsers differ in when they notice.
    if (hadFocus && !this.#isFocusable) this.focus();
  }

  /**
   * @param {Job} job
   * @param {string} title
   */
  #showProgress(job, title) {
    const isRunning = !isOver(job) && job.state !== "queued";
    const made = job.state === "done" ? madeText(job) : "";
    this.#state.textContent = [stateText(job), made].filter(Boolean).join(". ");
    this.#percent.textContent = isRunning && !job.cancelling ? fractionText(job) : "";
    this.#progress.element.hidden = !isRunning;
    this.#progress.element.ariaLabel = title;
    this.#progress.show(job.cancelling ? null : stepFraction(job.fraction));
  }

  /**
   * @param {Job} job
   * @param {string} title
   * @param {boolean} hasPicture whether the scene is still in the gallery
   */
  #showActions(job, title, hasPicture) {
    const isDone = job.state === "done";
    const hasScene = isDone && job.kind === "scene" && hasPicture;
    this.#play.hidden = !hasScene;
    this.#show.hidden = !hasScene || this.#listener.onShow === null;
    const [first] = job.files;
    this.#watch.hidden = !hasFile(job, "film");
    this.#download.hidden = !first || first.role === "world";
    this.#world.hidden = !hasFile(job, "world");
    this.#world.href = `${jobFileUrl(job.id)}?role=world&download=true`;
    this.#download.href = `${jobFileUrl(job.id)}?download=true`;
    this.#retry.hidden = !job.can_retry;
    this.#cancel.hidden = isOver(job);
    // A disabled button would lose the focus.
    this.#cancel.ariaDisabled = String(job.cancelling || job.state === "finishing");
    this.#remove.hidden = !isOver(job);
    this.#feedback.element.hidden = !isDone;
    this.#feedback.rate({ kind: "job", id: job.id }, title);
    for (const action of this.#actions) action.ariaLabel = phrase("common.about", { what: action.textContent ?? "", about: title });
  }

  /** Removing a job deletes its files, so a second click has to confirm it. */
  #askToRemove() {
    const files = this.#job?.files ?? [];
    if (files.length === 0 || this.#isSure) return this.#listener.onRemove();
    const isFilm = files.length === 1 && files[0]?.role === "film";
    this.#isSure = true;
    this.#nameRemove(phrase(isFilm ? "jobs.deleteFilm" : "jobs.deleteFiles"), true);
    this.#sureTimer = window.setTimeout(() => this.#beUnsure(), SURE_MS);
  }

  #beUnsure() {
    clearTimeout(this.#sureTimer);
    this.#isSure = false;
    this.#nameRemove(phrase("common.remove"), false);
  }

  /**
   * @param {string} text
   * @param {boolean} isSure
   */
  #nameRemove(text, isSure) {
    this.#remove.textContent = text;
    this.#remove.ariaLabel = phrase("common.about", { what: text, about: this.#title.textContent ?? "" });
    this.#remove.dataset.isSure = String(isSure);
  }
}

/**
 * @param {Job} job that is done
 * @returns {string} what is to be known of it
 */
function madeText(job) {
  if (job.kind === "replay_film") return filmText(job.result ?? {});
  return job.kind === "scripted_run" ? scriptText(job.result ?? {}) : "";
}

/**
 * @param {Job} job
 * @param {string} role
 */
function hasFile(job, role) {
  return job.files.some((file) => file.role === role);
}

/**
 * @param {string} text
 * @param {string} testId
 * @param {() => void} onclick
 */
function button(text, testId, onclick) {
  const element = make("button", { className: "button", type: "button", text, onclick });
  element.dataset.testid = testId;
  if (testId === "job-remove") element.classList.add("is-quiet", "is-danger");
  return element;
}
