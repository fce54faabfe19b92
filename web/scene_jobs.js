// @ts-check
// Follows the jobs that make scenes for the gallery. Each has a card until it is done or cancelled.

import { textOfFailure } from "./authoring_texts.js";
import { JobCard } from "./job_card.js";
import { RestError } from "./rest.js";
import { isOver, justDone, mergeJobs } from "./scene_job_list.js";
import { beginScene, cancelScene, fetchSceneJobs } from "./scenes_rest.js";

/** @import { SceneJobs as Known } from "./scene_job_list.js" */
/** @import { SceneJob } from "./scenes_rest.js" */

const POLL_MS = 700;
const RETRY_MS = 3000;

/**
 * @typedef {object} SceneJobsListener
 * @property {(cards: readonly HTMLLIElement[]) => void} onCards the present cards
 * @property {(job: SceneJob, hadFocus: boolean) => Promise<void>} onDone called before its card is removed
 * @property {(prompt: string) => void} onAgain the person wants to rephrase the prompt
 * @property {(text: string) => void} onProblem
 */

export class SceneJobs {
  #listener;
  /** @type {Known} */
  #known = new Map();
  /** @type {Map<string, JobCard>} */
  #cards = new Map();
  #timer = 0;

  /** @param {SceneJobsListener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Follow the jobs that this page began before it was reloaded, and those of other pages. */
  async find() {
    await this.#ask();
  }

  /**
   * @param {string} prompt
   * @throws {RestError}
   */
  async begin(prompt) {
    const job = await beginScene(prompt);
    await this.#learn(new Map(this.#known).set(job.id, job));
    this.#cards.get(job.id)?.element.scrollIntoView({ block: "nearest" });
    this.#askSoon(POLL_MS);
  }

  /** @param {string} id of a job to cancel, or of a failed one to remove */
  async #dismiss(id) {
    const job = this.#known.get(id);
    if (!job) return;
    try {
      if (!isOver(job)) await cancelScene(job.id);
    } catch (error) {
      // The next answer of the server will tell its state.
      return this.#listener.onProblem(textOfFailure(error));
    }
    await this.#learn(new Map(this.#known).set(id, { ...job, state: "cancelled" }));
  }

  /** @param {number} ms */
  #askSoon(ms) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(), ms);
  }

  async #ask() {
    const asked = this.#known;
    let pause = POLL_MS;
    try {
      const listed = await fetchSceneJobs();
      await this.#learn(mergeJobs(asked, this.#known, listed));
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      pause = RETRY_MS;
    }
    if (![...this.#known.values()].every(isOver)) this.#askSoon(pause);
  }

  /** @param {Known} known */
  async #learn(known) {
    const done = justDone(this.#known, known);
    this.#known = known;
    for (const job of done) await this.#listener.onDone(job, this.#cards.get(job.id)?.hasFocus ?? false);
    this.#draw();
  }

  #draw() {
    const shown = [...this.#known.values()].filter(({ state }) => state !== "done" && state !== "cancelled").reverse();
    const ids = new Set(shown.map(({ id }) => id));
    for (const id of this.#cards.keys()) if (!ids.has(id)) this.#cards.delete(id);
    for (const job of shown) {
      const card = this.#cards.get(job.id) ?? this.#newCard(job);
      card.show(job);
      this.#cards.set(job.id, card);
    }
    this.#listener.onCards(shown.flatMap(({ id }) => this.#cards.get(id)?.element ?? []));
  }

  /** @param {SceneJob} job */
  #newCard({ id, prompt }) {
    const onDismiss = () => void this.#dismiss(id);
    return new JobCard(prompt, {
      onDismiss,
      onAgain: () => {
        onDismiss();
        this.#listener.onAgain(prompt);
      },
    });
  }
}
