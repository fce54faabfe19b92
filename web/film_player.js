// @ts-check
// Plays the film of a saved world that a job has made.

import { byId, make } from "./dom.js";
import { filmText } from "./job_texts.js";
import { jobFileUrl } from "./jobs_rest.js";

/** @import { Job } from "./jobs_rest.js" */

export class FilmPlayer {
  #page = byId("film-player", HTMLElement);
  #video = byId("film-video", HTMLVideoElement);
  #problem = byId("film-problem", HTMLElement);
  #onClosed;
  /** @type {Job | null} */
  #job = null;

  /** @param {(id: string) => void} onClosed gets the id of the job whose film was played */
  constructor(onClosed) {
    this.#onClosed = onClosed;
    byId("film-back", HTMLElement).addEventListener("click", () => this.close());
    this.#video.addEventListener("error", () => {
      this.#problem.hidden = this.#job === null;
    });
  }

  get isOpen() {
    return this.#job !== null;
  }

  /**
   * @param {Job} job that has made a film
   * @param {string} title
   */
  open(job, title) {
    this.#job = job;
    this.#page.hidden = false;
    this.#problem.hidden = true;
    byId("film-title", HTMLElement).textContent = title;
    byId("film-facts", HTMLElement).textContent = filmText(job.result ?? {});
    const sentences = (job.result?.sentences ?? []).map((text) => make("li", { text }));
    byId("film-sentences", HTMLElement).replaceChildren(...sentences);
    byId("film-details", HTMLDetailsElement).hidden = sentences.length === 0;
    byId("film-download", HTMLAnchorElement).href = `${jobFileUrl(job.id)}?download=true`;
    this.#video.src = jobFileUrl(job.id);
    void this.#video.play().catch(() => {
      // The browser requires a click first. Its own controls are visible for that.
    });
    this.#video.focus();
  }

  close() {
    const job = this.#job;
    if (!job) return;
    this.#job = null;
    this.#video.pause();
    // Otherwise the browser would go on loading.
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#page.hidden = true;
    this.#onClosed(job.id);
  }
}
