// @ts-check
// The Studio: films are put together, followed while they are made, watched, and made into others.

import { byId } from "./dom.js";
import { askForFilm, deleteFilm, fetchFilms, fetchVideoSpecs, makeFilmAgain, walkInto } from "./films_rest.js";
import { keepFocusInside } from "./focus_ring.js";
import { isOver, justEnded } from "./job_list.js";
import { endText } from "./job_texts.js";
import { cancelJob, retryJob } from "./jobs_rest.js";
import { RestError } from "./rest.js";
import { draftOf, EMPTY_DRAFT, requestOf, withPicture } from "./studio_draft.js";
import { StudioFilms } from "./studio_films.js";
import { FootageShelf } from "./studio_footage.js";
import { StudioForm } from "./studio_form.js";
import { StudioPlayer } from "./studio_player.js";
import { StudioQueue } from "./studio_queue.js";
import { problemText, titleOfFilm, usageText } from "./studio_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { Film, SourceRef, VideoSpecs } from "./films_rest.js" */
/** @import { JobFeed } from "./job_feed.js" */
/** @import { Jobs } from "./job_list.js" */
/** @import { Library } from "./library.js" */
/** @import { SeedSummary } from "./rest.js" */
/** @import { Draft, Picture } from "./studio_draft.js" */

const KIND = "video";
const WAITING = "waiting_for_play";
const PAGE_LENGTH = 60;
const MOST_AT_ONCE = 200;

export class Studio {
  #feed;
  #library;
  #onWalk;
  #dialog = byId("studio", HTMLDialogElement);
  #page = byId("studio-page", HTMLElement);
  #notice = byId("studio-notice", HTMLElement);
  #news = byId("studio-news", HTMLElement);
  #more = byId("studio-more-films", HTMLButtonElement);
  #shelf = new FootageShelf();
  #form;
  #player;
  #queue;
  #gallery;
  /** @type {Film[]} newest first */
  #films = [];
  /** @type {string | null} */
  #next = null;
  /** @type {VideoSpecs | null} */
  #specs = null;
  /** Jobs that the page has looked for among the films. @type {Set<string>} */
  #sought = new Set();
  #isAsking = false;

  /**
   * @param {JobFeed} feed
   * @param {Library} library
   * @param {(seed: SeedSummary) => void} onWalk a frame has become a picture of the gallery, to be entered
   */
  constructor(feed, library, onWalk) {
    this.#feed = feed;
    this.#library = library;
    this.#onWalk = onWalk;
    keepFocusInside(this.#dialog);
    this.#form = new StudioForm(this.#shelf, {
      seeds: () => library.seeds,
      addPicture: (file, onProgress) => library.add(file, onProgress),
      onMake: (draft) => void this.#make(draft),
    });
    this.#player = new StudioPlayer({
      onClosed: (id) => this.#showPage(id),
      onWalk: (film, atS) => this.walkInto({ film: film.id }, atS, titleOfFilm(film)),
      onDraft: (draft) => this.#begin(draft),
      onReuse: (film) => this.#reuse(film),
      onAgain: (film) => this.#makeAgain(film),
      onDelete: (film) => this.#delete(film),
      films: () => this.#made,
    });
    this.#queue = new StudioQueue({
      onCancel: (id) => void this.#attempt(async () => feed.learn(await cancelJob(id))),
      onRetry: (id) => void this.#attempt(async () => feed.learn(await retryJob(id))),
      onRemove: (id) => void this.#attempt(() => this.#remove(id)),
      onReuse: (film) => this.#reuse(film),
    });
    this.#gallery = new StudioFilms((film) => this.#play(film));
    this.#more.addEventListener("click", () => void this.#attempt(() => this.#loadMore()));
    this.#dialog.addEventListener("cancel", (event) => {
      if (!this.#player.isOpen) return;
      event.preventDefault();
      this.#player.close();
    });
    this.#dialog.addEventListener("close", () => {
      this.#player.close();
      this.#form.release();
      feed.follow("studio", false);
    });
    feed.listen({ onJobs: (before, after) => this.#learn(before, after) });
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {Partial<Draft>} [draft] to begin with; without one, the person goes on with theirs */
  open(draft) {
    this.#notify(null);
    this.#news.textContent = "";
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#player.close();
    this.#feed.follow("studio", true);
    void this.#load().then(() => draft && this.#begin({ ...EMPTY_DRAFT, ...draft }));
  }

  close() {
    this.#dialog.close();
  }

  /** To be called when other models are there than before. */
  refresh() {
    if (this.#dialog.open) void this.#load();
  }

  /**
   * @returns {Promise<boolean>} whether films can be made here
   * @throws {RestError}
   */
  async canMake() {
    return (await fetchVideoSpecs()).is_ready;
  }

  /**
   * Begin a film with a picture, or end the one that has been begun so.
   *
   * @param {Picture} picture of the gallery
   */
  film(picture) {
    const { draft } = this.#form;
    const before = draft.way === "pictures" ? draft : { ...EMPTY_DRAFT, prompt: draft.prompt, width: draft.width, height: draft.height };
    this.open({ ...before, way: "pictures", pictures: withPicture(before.pictures, picture) });
  }

  /** @param {string} recording that a film is to follow */
  retakeWalk(recording) {
    this.open({ way: "control", source: { recording }, width: null, height: null, seconds: null });
  }

  /**
   * @param {SourceRef} source
   * @param {number} atS
   * @param {string} title
   * @throws {RestError}
   */
  async walkInto(source, atS, title) {
    const seed = await walkInto(source, atS, title);
    this.close();
    this.#onWalk(seed);
  }

  /** @param {readonly File[]} files that were dropped or pasted */
  receive(files) {
    if (this.#player.isOpen) this.#player.close();
    if (this.#specs?.is_ready) void this.#form.receive(files);
  }

  /** The films that are made. */
  get #made() {
    return this.#films.filter(({ content_url }) => content_url);
  }

  async #load() {
    await this.#attempt(async () => {
      const limit = Math.min(MOST_AT_ONCE, Math.max(PAGE_LENGTH, this.#films.length));
      const [specs, page] = await Promise.all([fetchVideoSpecs(), fetchFilms(limit), this.#shelf.load()]);
      this.#films = page.films;
      this.#next = page.next;
      this.#specs = specs;
      byId("studio-usage", HTMLElement).textContent = usageText(page.usage);
      this.#shelf.films = this.#films;
      this.#showSpecs(specs);
      this.#show();
    });
  }

  async #loadMore() {
    const page = await fetchFilms(PAGE_LENGTH, this.#next);
    const known = new Set(this.#films.map(({ id }) => id));
    this.#films = [...this.#films, ...page.films.filter(({ id }) => !known.has(id))];
    this.#next = page.next;
    this.#shelf.films = this.#films;
    this.#show();
  }

  /** @param {VideoSpecs} specs */
  #showSpecs(specs) {
    byId("studio-form", HTMLElement).hidden = !specs.is_ready;
    byId("studio-why-not", HTMLElement).hidden = specs.is_ready;
    byId("studio-why-not-text", HTMLElement).textContent = specs.why_not;
    if (specs.is_ready) this.#form.learn(specs);
  }

  #show() {
    const { jobs } = this.#feed;
    const unmade = this.#films.filter(({ content_url }) => !content_url).map((film) => ({ film, job: jobs?.get(film.id) ?? null }));
    this.#queue.show(unmade, this.#specs?.why_waiting ?? null);
    this.#gallery.show(this.#made);
    this.#more.hidden = this.#next === null;
    byId("studio-empty", HTMLElement).hidden = this.#films.length > 0;
    this.#form.refresh();
  }

  /**
   * @param {Jobs | null} before
   * @param {Jobs} after
   */
  #learn(before, after) {
    if (!this.#dialog.open) return;
    const ended = justEnded(before, after).filter(({ kind }) => kind === KIND);
    const last = ended.at(-1);
    // Only ends are announced: progress would never let a screen reader rest.
    if (last) this.#news.textContent = endText(last, last.request.prompt ?? "");
    const known = new Set(this.#films.map(({ id }) => id));
    const strangers = [...after.values()].filter((job) => job.kind === KIND && !isOver(job) && !known.has(job.id) && !this.#sought.has(job.id));
    for (const { id } of strangers) this.#sought.add(id);
    if (ended.length > 0 || strangers.length > 0 || waiting(before) !== waiting(after)) void this.#load();
    else this.#show();
  }

  /** @param {Draft} draft */
  #begin(draft) {
    this.#form.show(draft);
    this.#form.focus();
  }

  /** @param {Film} film */
  #reuse({ request }) {
    this.#begin(draftOf(request, (hash) => this.#pictureOf(hash)));
  }

  /**
   * @param {string} hash
   * @returns {Picture}
   */
  #pictureOf(hash) {
    const seed = this.#library.seeds.find((one) => one.hash === hash);
    return seed ?? { hash, title: phrase("studio.pictureGone"), thumbnail_url: "" };
  }

  /** @param {Draft} draft */
  async #make(draft) {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.#add(await askForFilm(requestOf(draft)));
    } catch (error) {
      this.#form.complain(problemText(error));
    } finally {
      this.#isAsking = false;
    }
  }

  /** @param {Film} film */
  async #makeAgain(film) {
    const again = await makeFilmAgain(film.id);
    this.#player.close();
    this.#add(again);
    this.#queue.focus(again.id);
  }

  /** @param {Film} film that was just asked for */
  #add(film) {
    this.#films = [film, ...this.#films.filter(({ id }) => id !== film.id)];
    this.#show();
    byId("studio-queue-part", HTMLElement).scrollIntoView({ block: "nearest" });
    this.#news.textContent = phrase("studio.begun", { title: titleOfFilm(film) });
  }

  /** @param {Film} film */
  async #delete({ id }) {
    await this.#remove(id);
    this.#player.close();
    byId("studio-films", HTMLElement).querySelector("button")?.focus();
  }

  /** @param {string} id */
  async #remove(id) {
    try {
      await deleteFilm(id);
    } catch (error) {
      if (!(error instanceof RestError && error.status === 404)) throw error;
    }
    this.#films = this.#films.filter((film) => film.id !== id);
    this.#shelf.films = this.#films;
    this.#feed.forget(id);
    this.#show();
  }

  /** @param {Film} film */
  #play(film) {
    this.#page.hidden = true;
    this.#player.open(film, this.#specs);
  }

  /** @param {string} id of the film that was played */
  #showPage(id) {
    this.#page.hidden = false;
    this.#gallery.focus(id);
  }

  /** @param {() => Promise<void>} change */
  async #attempt(change) {
    this.#notify(null);
    try {
      await change();
    } catch (error) {
      this.#notify(problemText(error));
    }
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    if (text !== null) this.#notice.scrollIntoView({ block: "nearest" });
  }
}

/**
 * @param {Jobs | null} jobs
 * @returns {string} which films wait for play, of which only the specs tell why
 */
function waiting(jobs) {
  return [...(jobs?.values() ?? [])].filter(({ stage, state }) => stage === WAITING && state === "running").map(({ id }) => id).join();
}
