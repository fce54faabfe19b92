// @ts-check
// The gallery: seed pictures as large cards, and the card that takes one's own.

import { byId, make } from "./dom.js";

/** @import { SeedSummary } from "./rest.js" */

const UPLOAD_HINT = "Choose a file, drop it here, or paste it";

/**
 * @typedef {object} GalleryListener
 * @property {(seed: SeedSummary) => void} onEnter
 * @property {(seed: SeedSummary) => void} onDelete
 * @property {() => void} onPickFile
 */

export class Gallery {
  #grid = byId("seed-grid", HTMLUListElement);
  #notice = byId("gallery-notice", HTMLElement);
  #listener;
  #uploadCard;
  #uploadBar = make("div", { className: "progress-bar" });
  #uploadText = make("span", { className: "upload-hint" });

  /** @param {GalleryListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#uploadCard = this.#makeUploadCard();
    this.#grid.replaceChildren(...Array.from({ length: 4 }, () => make("li", { className: "seed-card is-empty" })));
  }

  /** @param {readonly SeedSummary[]} seeds */
  show(seeds) {
    const cards = seeds.map((seed, index) => this.#makeCard(seed, index === 0));
    cards.splice(Math.min(cards.length, 1), 0, this.#uploadCard);
    this.#grid.replaceChildren(...cards);
  }

  /** @param {string | null} text null to clear it */
  notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    if (text !== null) this.#notice.scrollIntoView({ block: "nearest" });
  }

  /** @param {number | null} fraction of an upload; null when none is running */
  showUpload(fraction) {
    this.#uploadCard.classList.toggle("is-busy", fraction !== null);
    this.#uploadBar.style.width = `${(fraction ?? 0) * 100}%`;
    this.#uploadText.textContent = fraction === null ? UPLOAD_HINT : uploadProgress(fraction);
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
        make("span", { className: "seed-description", text: seed.description }),
      ],
    });
    const onclick = () => this.#listener.onEnter(seed);
    const enter = make("button", { className: "seed-enter", type: "button", onclick });
    enter.dataset.hash = seed.hash;
    enter.dataset.testid = "seed-card";
    enter.append(pictureOf(seed, isHero), caption, make("span", { className: "seed-go", text: "Enter" }));
    const card = make("li", { className: `seed-card ${isHero ? "is-hero" : ""}`, children: [enter] });
    if (seed.origin === "uploaded") card.append(this.#makeDelete(seed));
    return card;
  }

  /** @param {SeedSummary} seed */
  #makeDelete(seed) {
    const button = make("button", {
      className: "icon-button seed-delete",
      type: "button",
      ariaLabel: `Delete ${seed.title}`,
      text: "×",
      onclick: () => this.#listener.onDelete(seed),
    });
    button.dataset.testid = "seed-delete";
    return button;
  }

  #makeUploadCard() {
    const button = make("button", {
      className: "upload-button",
      type: "button",
      onclick: () => this.#listener.onPickFile(),
      children: [
        make("strong", { text: "Your own picture" }),
        this.#uploadText,
        make("span", { className: "progress", children: [this.#uploadBar] }),
      ],
    });
    button.dataset.testid = "upload-card";
    this.#uploadText.textContent = UPLOAD_HINT;
    return make("li", { className: "seed-card is-upload", children: [button] });
  }
}

/** @param {number} fraction */
function uploadProgress(fraction) {
  return fraction < 1 ? `Sending, ${Math.round(fraction * 100)} %` : "Checking the picture";
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
