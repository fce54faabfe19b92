// @ts-check
// Plays one film, beside another one if the person wants to compare them, and offers what can be made of it.

import { byId, make } from "./dom.js";
import { EMPTY_DRAFT, frameTime, middleOf } from "./studio_draft.js";
import { differencesOf, factsOfFilm, problemText, timingText, titleOfFilm } from "./studio_texts.js";
import { TimeLine } from "./studio_time_line.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";

/** @import { Film, VideoSpecs } from "./films_rest.js" */
/** @import { Draft } from "./studio_draft.js" */
/** @import { Part } from "./studio_time_line.js" */

/**
 * @typedef {object} StudioPlayerListener
 * @property {(id: string) => void} onClosed
 * @property {(film: Film, atS: number) => Promise<void>} onWalk
 * @property {(draft: Draft) => void} onDraft what the person wants to make of the film
 * @property {(film: Film) => void} onReuse
 * @property {(film: Film) => Promise<void>} onAgain
 * @property {(film: Film) => Promise<void>} onDelete
 * @property {() => readonly Film[]} films that it can be compared with
 */

export class StudioPlayer {
  #listener;
  #page = byId("studio-player", HTMLElement);
  #video = byId("studio-video", HTMLVideoElement);
  #other = byId("studio-other-video", HTMLVideoElement);
  #problem = byId("studio-film-problem", HTMLElement);
  #compare = byId("studio-compare", HTMLSelectElement);
  #differences = byId("studio-differences", HTMLUListElement);
  #timeLine;
  /** @type {Film | null} */
  #film = null;

  /** @param {StudioPlayerListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#timeLine = new TimeLine({ onPart: () => {}, onSeek: (atS) => (this.#video.currentTime = atS) });
    byId("studio-film-line", HTMLElement).append(this.#timeLine.element);
    byId("studio-back", HTMLElement).addEventListener("click", () => this.close());
    this.#video.addEventListener("timeupdate", () => this.#timeLine.showTime(this.#video.currentTime));
    this.#video.addEventListener("error", () => {
      if (this.#film) this.#tell(phrase("jobs.filmUnplayable"));
    });
    this.#compare.addEventListener("change", () => this.#showOther());
    this.#listenForActions();
    this.#followVideo();
  }

  get isOpen() {
    return this.#film !== null;
  }

  /**
   * @param {Film} film that is made
   * @param {VideoSpecs | null} specs
   */
  open(film, specs) {
    this.#film = film;
    this.#page.hidden = false;
    byId("studio-film-title", HTMLElement).textContent = film.prompt.trim() || titleOfFilm(film);
    byId("studio-film-title", HTMLElement).title = film.prompt;
    byId("studio-film-facts", HTMLElement).textContent = [factsOfFilm(film), timingText(film.timings_s)].filter(Boolean).join(". ");
    const written = byId("studio-film-words", HTMLElement);
    written.hidden = !film.written_prompt;
    written.textContent = film.written_prompt ? phrase("studio.writtenPrompt", { text: film.written_prompt }) : null;
    byId("studio-download", HTMLAnchorElement).href = `${film.content_url}?download=true`;
    byId("studio-delete-place", HTMLElement).replaceChildren(this.#deleteButton(film));
    for (const [id, way] of /** @type {const} */ ([["studio-enlarge", "upscale"], ["studio-follow", "control"]])) {
      byId(id, HTMLElement).hidden = !specs?.is_ready || specs.ways.some((one) => one.way === way && one.why_not !== null);
    }
    for (const id of ["studio-retake", "studio-extend-start", "studio-extend-end", "studio-join", "studio-again", "studio-reuse"]) {
      byId(id, HTMLElement).hidden = !specs?.is_ready;
    }
    this.#timeLine.show(film.seconds ?? 0, film.sprite_url ?? null, { startS: 0, endS: 0 });
    this.#timeLine.showTime(0);
    this.#offerOthers(film);
    this.#tell(null);
    this.#video.src = film.content_url ?? "";
    void this.#video.play().catch(() => {
      // The browser requires a click first. Its own controls are visible for that.
    });
    this.#video.focus();
  }

  close() {
    const film = this.#film;
    if (!film) return;
    this.#film = null;
    for (const video of [this.#video, this.#other]) letGo(video);
    this.#page.hidden = true;
    this.#listener.onClosed(film.id);
  }

  #listenForActions() {
    /** @type {Readonly<Record<string, (film: Film) => Partial<Draft>>>} */
    const drafts = {
      "studio-retake": (film) => ({ way: "retake", ...this.#marked(film) }),
      "studio-extend-start": () => ({ way: "extension", side: "start" }),
      "studio-extend-end": () => ({ way: "extension", side: "end" }),
      "studio-join": () => ({ way: "joining" }),
      "studio-follow": () => ({ way: "control", width: null, height: null, seconds: null }),
      "studio-enlarge": () => ({ way: "upscale" }),
    };
    for (const [id, draft] of Object.entries(drafts)) {
      this.#on(id, (film) => {
        const { prompt, id: name } = film;
        this.close();
        this.#listener.onDraft({ ...EMPTY_DRAFT, prompt, source: { film: name }, ...draft(film) });
      });
    }
    this.#on("studio-walk", (film) => this.#attempt(() => this.#listener.onWalk(film, frameTime(this.#video.currentTime, film.seconds ?? 0))));
    this.#on("studio-again", (film) => this.#attempt(() => this.#listener.onAgain(film)));
    this.#on("studio-reuse", (film) => {
      this.close();
      this.#listener.onReuse(film);
    });
  }

  /**
   * @param {string} id
   * @param {(film: Film) => unknown} action
   */
  #on(id, action) {
    byId(id, HTMLElement).addEventListener("click", () => this.#film && action(this.#film));
  }

  /**
   * @param {Film} film
   * @returns {Part} that was marked on the time line, or the middle
   */
  #marked({ seconds }) {
    const { startS, endS } = this.#timeLine.part;
    return endS > startS ? { startS, endS } : middleOf(seconds ?? 0);
  }

  /** @param {Film} film */
  #deleteButton(film) {
    return sureButton({
      text: phrase("common.delete"),
      sureText: phrase("common.deleteForGood"),
      about: titleOfFilm(film),
      testId: "studio-delete",
      onSure: () => void this.#attempt(() => this.#listener.onDelete(film)),
    });
  }

  /** @param {() => Promise<void>} action */
  async #attempt(action) {
    this.#tell(null);
    try {
      await action();
    } catch (error) {
      this.#tell(problemText(error));
    }
  }

  // ------------------------------------------------------------------------------------------------- comparing

  /** @param {Film} film */
  #offerOthers(film) {
    const others = this.#listener.films().filter(({ id }) => id !== film.id);
    const options = others.map((other) => make("option", { value: other.id, text: phrase("studio.withSeed", { title: titleOfFilm(other), seed: other.seed }) }));
    this.#compare.replaceChildren(make("option", { value: "", text: phrase("studio.noOther") }), ...options);
    byId("studio-compare-field", HTMLElement).hidden = others.length === 0;
    this.#showOther();
  }

  #showOther() {
    const other = this.#listener.films().find(({ id }) => id === this.#compare.value);
    const isShown = other !== undefined && this.#film !== null;
    this.#other.hidden = this.#differences.hidden = !isShown;
    this.#page.classList.toggle("is-comparing", isShown);
    if (!other || !this.#film) return letGo(this.#other);
    this.#other.ariaLabel = titleOfFilm(other);
    this.#other.src = other.content_url ?? "";
    const differences = differencesOf(this.#film, other);
    const texts = differences.length > 0 ? differences : [phrase("studio.same")];
    this.#differences.replaceChildren(...texts.map((text) => make("li", { text })));
    // Both begin together.
    this.#video.currentTime = 0;
    void this.#video.play().catch(() => {});
  }

  /** The other film does what the first one does, without its sound. */
  #followVideo() {
    const follow = () => {
      if (this.#other.hidden || this.#other.readyState === 0) return;
      this.#other.currentTime = Math.min(this.#video.currentTime, this.#other.duration);
    };
    this.#video.addEventListener("play", () => !this.#other.hidden && void this.#other.play().catch(() => {}));
    this.#video.addEventListener("pause", () => this.#other.pause());
    this.#video.addEventListener("seeked", follow);
    this.#video.addEventListener("ratechange", () => (this.#other.playbackRate = this.#video.playbackRate));
    this.#other.addEventListener("loadedmetadata", () => {
      follow();
      if (!this.#video.paused) void this.#other.play().catch(() => {});
    });
  }

  /** @param {string | null} text */
  #tell(text) {
    this.#problem.textContent = text;
    this.#problem.hidden = text === null;
    if (text !== null) this.#problem.scrollIntoView({ block: "nearest" });
  }
}

/** @param {HTMLVideoElement} video which the browser would go on loading */
function letGo(video) {
  video.pause();
  video.removeAttribute("src");
  video.load();
}