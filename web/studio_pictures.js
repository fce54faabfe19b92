// @ts-check
// The pictures of a film that is put together: from the gallery, or sent; and where in the film each is to be seen.

import { byId, make } from "./dom.js";
import { withPicture } from "./studio_draft.js";
import { problemText } from "./studio_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { SeedSummary } from "./rest.js" */
/** @import { PlacedPicture } from "./studio_draft.js" */

/**
 * @typedef {object} PicturesListener
 * @property {() => readonly SeedSummary[]} seeds of the gallery
 * @property {(file: File, onProgress: (fraction: number) => void) => Promise<SeedSummary>} add send it to the gallery
 * @property {(pictures: readonly PlacedPicture[]) => void} onPictures
 */

export class StudioPictures {
  #listener;
  #list = byId("studio-pictures", HTMLUListElement);
  #gallery = byId("studio-gallery", HTMLDetailsElement);
  #choices = byId("studio-gallery-list", HTMLUListElement);
  #notice = byId("studio-pictures-notice", HTMLElement);
  #fileInput = byId("studio-picture-input", HTMLInputElement);
  /** @type {readonly PlacedPicture[]} */
  #pictures = [];

  /** @param {PicturesListener} listener */
  constructor(listener) {
    this.#listener = listener;
    byId("studio-picture-send", HTMLElement).addEventListener("click", () => this.#fileInput.click());
    this.#fileInput.addEventListener("change", () => {
      const files = [...(this.#fileInput.files ?? [])];
      this.#fileInput.value = "";
      void this.send(files);
    });
    this.#gallery.addEventListener("toggle", () => this.#gallery.open && this.#showChoices());
  }

  /** @param {readonly PlacedPicture[]} pictures */
  show(pictures) {
    const isSame = pictures === this.#pictures && this.#list.childElementCount === pictures.length;
    this.#pictures = pictures;
    if (!isSame) this.#list.replaceChildren(...pictures.map((picture, index) => this.#row(picture, index)));
  }

  /** @param {readonly File[]} files which are sent one after the other */
  async send(files) {
    for (const file of files) {
      this.#notify(phrase("studio.sendingPicture"), "progress");
      try {
        const seed = await this.#listener.add(file, (fraction) => {
          const percent = Math.round(fraction * 100);
          this.#notify(fraction < 1 ? phrase("play.sendingPicture", { percent }) : phrase("gallery.checking"), "progress");
        });
        this.#notify(null);
        this.#change(withPicture(this.#pictures, seed));
      } catch (error) {
        return this.#notify(problemText(error));
      }
    }
    if (this.#gallery.open) this.#showChoices();
  }

  #showChoices() {
    const seeds = this.#listener.seeds();
    this.#choices.replaceChildren(...seeds.map((seed) => make("li", { children: [this.#choice(seed)] })));
  }

  /** @param {SeedSummary} seed */
  #choice(seed) {
    const picture = make("img", { alt: "", src: seed.thumbnail_url, width: 16, height: 9, loading: "lazy", decoding: "async" });
    const button = make("button", {
      className: "picture",
      type: "button",
      ariaLabel: phrase("studio.addPicture", { title: seed.title }),
      onclick: () => this.#change(withPicture(this.#pictures, seed)),
      children: [picture, make("span", { text: seed.title })],
    });
    button.dataset.testid = "studio-choice";
    return button;
  }

  /**
   * @param {PlacedPicture} picture
   * @param {number} index
   */
  #row(picture, index) {
    const place = make("select", { className: "text-field", ariaLabel: phrase("studio.wherePicture", { title: picture.title }) });
    const isTimed = typeof picture.at === "number";
    place.append(
      make("option", { value: "first", text: phrase("studio.atBeginning") }),
      make("option", { value: "last", text: phrase("studio.atEnd") }),
      make("option", { value: "time", text: phrase("studio.atTime") }),
    );
    place.value = isTimed ? "time" : String(picture.at);
    place.dataset.testid = "studio-picture-at";
    place.addEventListener("change", () => this.#move(index, place.value === "time" ? 1 : place.value === "last" ? "last" : "first"));
    const time = make("input", {
      className: "text-field studio-picture-time",
      type: "number",
      min: "0",
      step: "0.1",
      value: isTimed ? String(picture.at) : "1",
      hidden: !isTimed,
      ariaLabel: phrase("studio.whenPicture", { title: picture.title }),
    });
    time.dataset.testid = "studio-picture-time";
    time.addEventListener("change", () => Number.isFinite(time.valueAsNumber) && this.#move(index, Math.max(0, time.valueAsNumber)));
    const remove = make("button", {
      className: "button is-quiet",
      type: "button",
      text: phrase("studio.takeOut"),
      ariaLabel: phrase("studio.takeOutPicture", { title: picture.title }),
      onclick: () => this.#remove(index),
    });
    const image = make("img", { alt: picture.title, src: picture.thumbnail_url, width: 16, height: 9 });
    const row = make("li", { className: "studio-picture", children: [image, place, time, remove] });
    row.dataset.testid = "studio-picture";
    return row;
  }

  /**
   * @param {number} index
   * @param {"first" | "last" | number} at
   */
  #move(index, at) {
    const wasSelect = document.activeElement instanceof HTMLSelectElement;
    this.#change(this.#pictures.map((picture, number) => (number === index ? { ...picture, at } : picture)));
    // The row is a new one.
    const row = this.#list.children[index];
    const again = row?.querySelector(wasSelect ? "select" : "input");
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {number} index */
  #remove(index) {
    this.#change(this.#pictures.filter((_, number) => number !== index));
    const next = this.#list.children[Math.min(index, this.#list.childElementCount - 1)]?.querySelector("button");
    (next ?? byId("studio-picture-send", HTMLElement)).focus();
  }

  /** @param {readonly PlacedPicture[]} pictures */
  #change(pictures) {
    this.#listener.onPictures(pictures);
  }

  /**
   * @param {string | null} text
   * @param {"problem" | "progress"} kind
   */
  #notify(text, kind = "problem") {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    this.#notice.dataset.kind = kind;
  }
}
