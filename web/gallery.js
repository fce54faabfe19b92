// @ts-check
// The gallery: seed pictures as large cards, and a card with the ways to bring or make another one.

import { captionOf } from "./authoring_texts.js";
import { byId, make } from "./dom.js";
import { phrase } from "./texts/texts.js";

/** @import { SeedSummary } from "./rest.js" */

/**
 * @typedef {object} GalleryListener
 * @property {(seed: SeedSummary) => void} onEnter
 * @property {(seed: SeedSummary) => void} onDelete
 * @property {(seed: SeedSummary) => void} onEngines the person wants to choose the engine
 * @property {(seed: SeedSummary) => string | null} engineOf the title of the engine that was chosen for it, if one was
 * @property {() => void} onPickFile
 * @property {() => void} onWords
 */

export class Gallery {
  #grid = byId("seed-grid", HTMLUListElement);
  #notice = byId("gallery-notice", HTMLElement);
  #listener;
  #uploadButton;
  #uploadBar = make("div", { className: "progress-bar" });
  #uploadText = make("span", { className: "upload-hint", text: phrase("gallery.uploadHint") });
  #wordsButton;
  #wordsText = make("span", { className: "upload-hint", text: phrase("gallery.wordsHint") });
  #ways;
  /** @type {readonly HTMLLIElement[]} */
  #jobs = [];
  #hasEngines = false;

  /** @param {GalleryListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#uploadButton = this.#makeUpload();
    this.#wordsButton = this.#makeWords();
    this.#ways = make("li", { className: "seed-card is-ways", children: [this.#uploadButton, this.#wordsButton] });
    this.#grid.replaceChildren(...Array.from({ length: 4 }, () => make("li", { className: "seed-card is-empty" })));
  }

  /** @param {readonly SeedSummary[]} seeds the person's own pictures are shown before those that came with the server */
  show(seeds) {
    const [hero, ...others] = seeds;
    const own = others.filter(({ origin }) => origin === "uploaded");
    const shipped = others.filter(({ origin }) => origin === "shipped");
    const cards = [...own, ...shipped].map((seed) => this.#makeCard(seed, false));
    const focused = this.#grid.contains(document.activeElement) ? document.activeElement : null;
    const first = hero ? [this.#makeCard(hero, true)] : [];
    this.#grid.replaceChildren(...first, this.#ways, ...this.#jobs, ...cards);
    if (focused instanceof HTMLElement) this.#focusAgain(focused);
  }

  /** @param {readonly HTMLLIElement[]} cards of scenes that are being made, newest first; new ones come first */
  showJobs(cards) {
    for (const gone of this.#jobs.filter((card) => !cards.includes(card))) {
      // The focus would be lost with the card.
      if (gone.contains(document.activeElement)) this.#wordsButton.focus();
      gone.remove();
    }
    const added = cards.filter((card) => !this.#jobs.includes(card));
    // Existing cards are not touched, so that they keep the focus.
    this.#ways.after(...added);
    this.#jobs = cards;
  }

  /**
   * @param {boolean} isAvailable
   * @param {boolean} isOwner who can set it up
   */
  showWords(isAvailable, isOwner) {
    this.#wordsText.textContent = phrase(isAvailable ? "gallery.wordsHint" : isOwner ? "gallery.noWordsYet" : "gallery.noWords");
  }

  /** @param {boolean} hasEngines whether there is an engine to choose */
  showEngines(hasEngines) {
    this.#hasEngines = hasEngines;
  }

  /** @param {string | null} text null to clear it */
  notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    if (text !== null) this.#notice.scrollIntoView({ block: "nearest" });
  }

  /** @param {number | null} fraction of an upload; null when none is running */
  showUpload(fraction) {
    this.#uploadButton.classList.toggle("is-busy", fraction !== null);
    this.#uploadBar.style.width = `${(fraction ?? 0) * 100}%`;
    this.#uploadText.textContent = fraction === null ? phrase("gallery.uploadHint") : uploadProgress(fraction);
  }

  /** @param {string} hash */
  focus(hash) {
    const card = this.#grid.querySelector(`[data-hash="${hash}"]`);
    if (!(card instanceof HTMLElement)) return;
    card.scrollIntoView({ block: "center" });
    card.focus();
  }

  /**
   * @param {SeedSummary} seed
   * @param {boolean} isHero
   */
  #makeCard(seed, isHero) {
    const caption = make("span", {
      className: "seed-caption",
      children: [
        make("strong", { text: seed.title }),
        make("span", { className: "seed-description", text: captionOf(seed) }),
      ],
    });
    const onclick = () => this.#listener.onEnter(seed);
    const enter = make("button", { className: "seed-enter", type: "button", title: seed.prompt ?? "", onclick });
    enter.dataset.hash = seed.hash;
    enter.dataset.testid = "seed-card";
    enter.append(pictureOf(seed, isHero), caption, make("span", { className: "seed-go", text: this.#playText(seed) }));
    const card = make("li", { className: `seed-card ${isHero ? "is-hero" : ""}`, children: [enter] });
    if (this.#hasEngines) card.append(this.#makeEngines(seed));
    if (seed.origin === "uploaded") card.append(this.#makeDelete(seed));
    return card;
  }

  /** @param {SeedSummary} seed */
  #playText(seed) {
    const engine = this.#listener.engineOf(seed);
    return engine === null ? phrase("common.play") : phrase("gallery.playIn", { engine });
  }

  /** @param {SeedSummary} seed */
  #makeEngines(seed) {
    const button = make("button", {
      className: "seed-engines",
      type: "button",
      text: phrase("gallery.otherEngines"),
      ariaLabel: phrase("gallery.otherEnginesFor", { title: seed.title }),
      ariaHasPopup: "dialog",
      onclick: () => this.#listener.onEngines(seed),
    });
    button.dataset.testid = "seed-engines";
    return button;
  }

  /**
   * Deletes at the second click: nothing brings a picture back.
   *
   * @param {SeedSummary} seed
   */
  #makeDelete(seed) {
    const button = make("button", { className: "icon-button seed-delete", type: "button" });
    button.dataset.testid = "seed-delete";
    /** @param {boolean} asks */
    const show = (asks) => {
      button.textContent = asks ? phrase("gallery.askDelete") : "×";
      button.ariaLabel = phrase(asks ? "gallery.reallyDelete" : "gallery.deletePicture", { title: seed.title });
      button.classList.toggle("asks", asks);
    };
    button.onclick = () => (button.classList.contains("asks") ? this.#listener.onDelete(seed) : show(true));
    button.onblur = () => show(false);
    show(false);
    return button;
  }

  #makeUpload() {
    const button = make("button", {
      className: "upload-button",
      type: "button",
      onclick: () => this.#listener.onPickFile(),
      children: [
        make("strong", { text: phrase("common.yours") }),
        this.#uploadText,
        make("span", { className: "progress", children: [this.#uploadBar] }),
      ],
    });
    button.dataset.testid = "upload-card";
    return button;
  }

  #makeWords() {
    const button = make("button", {
      className: "upload-button",
      type: "button",
      ariaHasPopup: "dialog",
      onclick: () => this.#listener.onWords(),
      children: [make("strong", { text: phrase("common.describe") }), this.#wordsText],
    });
    button.dataset.testid = "words-card";
    return button;
  }

  /** @param {HTMLElement} focused element before the cards were rebuilt */
  #focusAgain(focused) {
    const { hash } = focused.dataset;
    const again = hash ? this.#grid.querySelector(`[data-hash="${hash}"]`) : focused;
    const isThere = again instanceof HTMLElement && this.#grid.contains(again);
    // The focus of a card that was deleted would be lost.
    const target = isThere ? again : this.#uploadButton;
    target.focus({ preventScroll: true });
  }
}

/** @param {number} fraction */
function uploadProgress(fraction) {
  return fraction < 1 ? phrase("gallery.sending", { percent: Math.round(fraction * 100) }) : phrase("gallery.checking");
}

/**
 * @param {SeedSummary} seed
 * @param {boolean} isLarge
 */
export function pictureOf(seed, isLarge) {
  return make("img", {
    alt: "",
    src: isLarge ? seed.image_url : seed.thumbnail_url,
    width: seed.width,
    height: seed.height,
    loading: isLarge ? "eager" : "lazy",
    decoding: "async",
    draggable: false,
  });
}
