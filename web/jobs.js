// @ts-check
// The jobs dialog: what the server is making, what waits, and what became of the rest.

import { byId } from "./dom.js";
import { FilmPlayer } from "./film_player.js";
import { keepFocusInside } from "./focus_ring.js";
import { countLive, isOver, justEnded, newestFirst } from "./job_list.js";
import { JobRow } from "./job_row.js";
import { countText, endText, titleOfJob } from "./job_texts.js";
import { cancelJob, removeJob, retryJob } from "./jobs_rest.js";
import { describe } from "./library.js";
import { RestError } from "./rest.js";
import { phrase } from "./texts/texts.js";
import { fetchWorlds } from "./worlds_rest.js";

/** @import { JobFeed } from "./job_feed.js" */
/** @import { Jobs as KnownJobs } from "./job_list.js" */
/** @import { JobLooks } from "./job_row.js" */
/** @import { Job } from "./jobs_rest.js" */
/** @import { SeedSummary } from "./rest.js" */
/** @import { SavedWorld } from "./worlds_rest.js" */

/**
 * @typedef {object} JobsListener
 * @property {(hash: string) => SeedSummary | undefined} seedOf undefined if the gallery does not have the picture
 * @property {(seed: SeedSummary) => void} onPlay
 * @property {(hash: string) => void} onShow in the gallery
 * @property {() => boolean} isInGallery whether the gallery is on the screen
 */

export class Jobs {
  #feed;
  #listener;
  #dialog = byId("jobs", HTMLDialogElement);
  #page = byId("jobs-page", HTMLElement);
  #list = byId("job-list", HTMLUListElement);
  #empty = byId("jobs-empty", HTMLElement);
  #notice = byId("jobs-notice", HTMLElement);
  #news = byId("jobs-news", HTMLElement);
  #more = byId("jobs-more", HTMLButtonElement);
  #button = byId("jobs-button", HTMLButtonElement);
  #count = byId("jobs-count", HTMLElement);
  /** @type {Map<string, JobRow>} */
  #rows = new Map();
  /** @type {Map<string, SavedWorld>} */
  #worlds = new Map();
  #isReached = true;
  #player = new FilmPlayer((id) => this.#showList(id));

  /**
   * @param {JobFeed} feed
   * @param {JobsListener} listener
   */
  constructor(feed, listener) {
    keepFocusInside(this.#dialog);
    this.#feed = feed;
    this.#listener = listener;
    feed.listen({
      onJobs: (before, after) => this.#learn(before, after),
      onServer: (isReached) => this.#showServer(isReached),
    });
    this.#more.addEventListener("click", () => void this.#attempt(() => feed.listOlder()));
    this.#dialog.addEventListener("cancel", (event) => {
      if (!this.#player.isOpen) return;
      event.preventDefault();
      this.#player.close();
    });
    this.#dialog.addEventListener("close", () => {
      this.#player.close();
      feed.follow("jobs", false);
    });
  }

  open() {
    this.#notify(null);
    this.#news.textContent = "";
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#rows.clear();
    this.refresh();
    this.#feed.follow("jobs", true);
    void this.#nameWorlds(newestFirst(this.#feed.jobs ?? new Map()));
  }

  close() {
    this.#dialog.close();
  }

  /**
   * Films are known by their worlds. Where these cannot be listed, only their names and pictures are missing.
   *
   * @param {readonly Job[]} jobs that are new here
   */
  async #nameWorlds(jobs) {
    if (jobs.every(({ request: { world_id } }) => !world_id || this.#worlds.has(world_id))) return;
    try {
      this.#worlds = new Map((await fetchWorlds()).map((world) => [world.id, world]));
      this.refresh();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
    }
  }

  /**
   * @param {KnownJobs | null} before
   * @param {KnownJobs} after
   */
  #learn(before, after) {
    const count = countLive(after);
    this.#count.textContent = String(count);
    this.#count.hidden = count === 0;
    this.#button.ariaLabel = countText(count);
    if (!this.#dialog.open) return;
    const ended = justEnded(before, after).at(-1);
    // Only ends are announced: progress would never let a screen reader rest.
    if (ended) this.#news.textContent = endText(ended, this.#looksOf(ended).title);
    void this.#nameWorlds([...after.values()].filter(({ id }) => !before?.has(id)));
    this.refresh();
  }

  /** Show what is known by now, also of pictures and worlds. */
  refresh() {
    if (!this.#dialog.open) return;
    const { jobs } = this.#feed;
    const shown = newestFirst(jobs ?? new Map());
    this.#empty.hidden = jobs === null || shown.length > 0;
    this.#more.hidden = !this.#feed.hasOlder;
    const next = this.#focusAfterRemoval(shown);
    for (const id of this.#rows.keys()) if (!jobs?.has(id)) this.#rows.delete(id);
    for (const job of shown) {
      const row = this.#rows.get(job.id) ?? this.#newRow(job.id);
      this.#rows.set(job.id, row);
      row.show(job, this.#looksOf(job));
    }
    this.#place(shown.flatMap(({ id }) => this.#rows.get(id)?.element ?? []));
    next?.();
  }

  /**
   * Rows that stay are not moved, so that they keep the focus.
   *
   * @param {readonly HTMLLIElement[]} rows
   */
  #place(rows) {
    for (const row of [...this.#list.children]) if (!rows.some((one) => one === row)) row.remove();
    rows.forEach((row, index) => {
      if (this.#list.children[index] !== row) this.#list.insertBefore(row, this.#list.children[index] ?? null);
    });
  }

  /**
   * @param {readonly Job[]} shown
   * @returns {(() => void) | null} moves the focus on from a row that is about to be removed; null if there is none
   */
  #focusAfterRemoval(shown) {
    const focused = [...this.#rows].find(([, row]) => row.hasFocus)?.[0];
    if (focused === undefined || shown.some(({ id }) => id === focused)) return null;
    // The one below takes its place; below the last one there is none.
    const heir = shown.find(({ id }) => id < focused) ?? shown.at(-1);
    return () => (heir ? this.#rows.get(heir.id)?.focus() : byId("jobs-close", HTMLElement).focus());
  }

  /** @param {string} id */
  #newRow(id) {
    const { onShow, onPlay, isInGallery } = this.#listener;
    const withSeed = (/** @type {(seed: SeedSummary) => void} */ use) => () => {
      const seed = this.#seedOf(this.#feed.jobs?.get(id));
      if (!seed) return;
      this.close();
      use(seed);
    };
    return new JobRow({
      onCancel: () => void this.#attempt(async () => this.#feed.learn(await cancelJob(id)), id),
      onRetry: () => void this.#attempt(async () => this.#feed.learn(await retryJob(id)), id),
      onRemove: () => void this.#attempt(() => this.#remove(id), id),
      onPlay: withSeed(onPlay),
      onShow: isInGallery() ? withSeed(({ hash }) => onShow(hash)) : null,
      onWatch: () => this.#watch(id),
    });
  }

  /**
   * @param {Job} job
   * @returns {JobLooks}
   */
  #looksOf(job) {
    const world = this.#worlds.get(job.request.world_id ?? "");
    const seed = this.#seedOf(job);
    return { title: titleOfJob(job, world?.title), pictureUrl: seed?.thumbnail_url ?? world?.thumbnail_url ?? null };
  }

  /** @param {Job | undefined} job */
  #seedOf(job) {
    return job?.result?.seed_hash ? this.#listener.seedOf(job.result.seed_hash) : undefined;
  }

  /** @param {string} id */
  async #remove(id) {
    await removeJob(id);
    this.#feed.forget(id);
  }

  /** @param {string} id */
  #watch(id) {
    const job = this.#feed.jobs?.get(id);
    if (!job || !isOver(job)) return;
    this.#page.hidden = true;
    this.#player.open(job, this.#looksOf(job).title);
  }

  /** @param {string} id of the job whose film was played */
  #showList(id) {
    this.#page.hidden = false;
    this.#rows.get(id)?.focus();
  }

  /**
   * @param {() => Promise<void>} change
   * @param {string} [id] of the job that it is about
   */
  async #attempt(change, id) {
    this.#notify(null);
    try {
      await change();
    } catch (error) {
      this.#notify(describe(error));
      // Somebody else has removed it, of which no event tells.
      if (id && error instanceof RestError && error.status === 404) this.#feed.forget(id);
    }
  }

  /** @param {boolean} isReached */
  #showServer(isReached) {
    if (isReached === this.#isReached) return;
    this.#isReached = isReached;
    this.#notify(isReached ? null : phrase("jobs.noAnswer"));
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
  }
}
