// @ts-check
// The jobs that make scenes for the gallery. Each has a card until it is done or cancelled.

import { textOfFailure } from "./authoring_texts.js";
import { JobCard } from "./job_card.js";
import { isOver, justEnded, newestFirst } from "./job_list.js";
import { cancelJob, submitJob } from "./jobs_rest.js";

/** @import { JobFeed } from "./job_feed.js" */
/** @import { Jobs } from "./job_list.js" */
/** @import { Job } from "./jobs_rest.js" */

/**
 * @typedef {object} SceneJobsListener
 * @property {(cards: readonly HTMLLIElement[]) => void} onCards the present cards
 * @property {(job: Job, hadFocus: boolean) => Promise<void>} onDone called before its card is removed
 * @property {(prompt: string) => void} onAgain the person wants to rephrase the prompt
 * @property {(text: string) => void} onProblem
 */

export class SceneJobs {
  #feed;
  #listener;
  /** @type {Map<string, JobCard>} */
  #cards = new Map();
  /** @type {Set<string>} jobs that are done, and whose pictures are on their way into the gallery */
  #arriving = new Set();

  /**
   * @param {JobFeed} feed
   * @param {SceneJobsListener} listener
   */
  constructor(feed, listener) {
    this.#feed = feed;
    this.#listener = listener;
    feed.listen({ onJobs: (before, after) => void this.#learn(before, after) });
  }

  /** @param {boolean} isFollowing whether the gallery is on the screen */
  follow(isFollowing) {
    this.#feed.follow("gallery", isFollowing);
  }

  /**
   * @param {string} prompt
   * @throws {RestError}
   */
  async begin(prompt) {
    const job = await submitJob("scene", { prompt });
    this.#feed.learn(job);
    this.#cards.get(job.id)?.element.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Jobs | null} before
   * @param {Jobs} after
   */
  async #learn(before, after) {
    const done = justEnded(before, after).filter(({ kind, state }) => kind === "scene" && state === "done");
    for (const { id } of done) this.#arriving.add(id);
    this.#draw();
    for (const job of done) {
      await this.#listener.onDone(job, this.#cards.get(job.id)?.hasFocus ?? false);
      this.#arriving.delete(job.id);
      this.#draw();
    }
  }

  #draw() {
    const jobs = newestFirst(this.#feed.jobs ?? new Map());
    const shown = jobs.filter((job) => job.kind === "scene" && this.#hasCard(job));
    const ids = new Set(shown.map(({ id }) => id));
    for (const id of this.#cards.keys()) if (!ids.has(id)) this.#cards.delete(id);
    for (const job of shown) {
      const card = this.#cards.get(job.id) ?? this.#newCard(job);
      card.show(job);
      this.#cards.set(job.id, card);
    }
    this.#listener.onCards(shown.flatMap(({ id }) => this.#cards.get(id)?.element ?? []));
  }

  /** @param {Job} job */
  #hasCard(job) {
    if (!isOver(job)) return true;
    if (job.state === "done") return this.#arriving.has(job.id) && this.#cards.has(job.id);
    // A job that had failed before this page saw it is listed among the jobs only.
    return job.state !== "cancelled" && this.#cards.has(job.id);
  }

  /** @param {Job} job */
  #newCard({ id, request: { prompt = "" } }) {
    return new JobCard(prompt, {
      onDismiss: () => void this.#dismiss(id),
      onAgain: () => {
        this.#hide(id);
        this.#listener.onAgain(prompt);
      },
    });
  }

  /** @param {string} id of a job to cancel, or of a failed one whose card is to go */
  async #dismiss(id) {
    const job = this.#feed.jobs?.get(id);
    if (!job || isOver(job)) return this.#hide(id);
    try {
      this.#feed.learn(await cancelJob(id));
    } catch (error) {
      this.#listener.onProblem(textOfFailure(error));
    }
  }

  /** @param {string} id */
  #hide(id) {
    this.#cards.delete(id);
    this.#draw();
  }
}
