// @ts-check
// The pause menu. It is a modal dialog, so the browser keeps the focus inside and the rest of the page inert.

import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { pictureOf } from "./gallery.js";
import { phrase } from "./texts/texts.js";

/** @import { KeyBindings } from "./controls/key_bindings.js" */
/** @import { SeedSummary } from "./rest.js" */

/**
 * @typedef {object} MenuListener
 * @property {() => void} onResume
 * @property {() => void} onReset
 * @property {(seed: SeedSummary) => void} onPicture
 * @property {() => void} onPickFile
 * @property {() => KeyBindings} bindings
 */

export class Menu {
  #dialog = byId("menu", HTMLDialogElement);
  #main = byId("menu-main", HTMLElement);
  #pictures = byId("menu-pictures", HTMLElement);
  #pictureList = byId("picture-list", HTMLUListElement);
  #listener;

  /** @param {MenuListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (this.#pictures.hidden) listener.onResume();
      else this.showMain();
    });
    // On a second Escape, a browser may close the dialog although the page prevents it.
    this.#dialog.addEventListener("close", () => listener.onResume());
    this.#dialog.addEventListener("keydown", (event) => {
      const isReset = listener.bindings().actionOf(event.code) === "reset";
      if (isReset && !event.ctrlKey && !event.metaKey) listener.onReset();
    });
    keepFocusInside(this.#dialog);
  }

  /** @param {string} title */
  open(title) {
    byId("menu-title", HTMLElement).textContent = title;
    this.notify(null);
    this.showMain();
    if (!this.#dialog.open) this.#dialog.showModal();
    byId("resume-button", HTMLElement).focus();
  }

  get isOpen() {
    return this.#dialog.open;
  }

  close() {
    this.#dialog.close();
  }

  showMain() {
    this.#main.hidden = false;
    this.#pictures.hidden = true;
  }

  /**
   * @param {readonly SeedSummary[]} seeds
   * @param {string} currentHash
   */
  showPictures(seeds, currentHash) {
    const onclick = () => this.#listener.onPickFile();
    const own = make("button", { className: "picture is-own", type: "button", text: phrase("common.yours"), onclick });
    this.#pictureList.replaceChildren(
      make("li", { children: [own] }),
      ...seeds.map((seed) => make("li", { children: [this.#picture(seed, seed.hash === currentHash)] })),
    );
    this.#main.hidden = true;
    this.#pictures.hidden = false;
    this.notify(null);
    own.focus();
  }

  /**
   * @param {string | null} text
   * @param {"problem" | "progress"} kind
   */
  notify(text, kind = "problem") {
    for (const id of ["menu-problem", "pictures-problem"]) {
      const element = byId(id, HTMLElement);
      element.textContent = text;
      element.hidden = text === null;
      element.dataset.kind = kind;
    }
  }

  /** @param {boolean} isBusy whether a change of the world is in progress, which blocks further requests */
  setBusy(isBusy) {
    this.#dialog.ariaBusy = String(isBusy);
    for (const button of this.#dialog.querySelectorAll("button")) button.disabled = isBusy;
  }

  /**
   * @param {SeedSummary} seed
   * @param {boolean} isCurrent
   */
  #picture(seed, isCurrent) {
    const button = make("button", {
      className: "picture",
      type: "button",
      onclick: () => this.#listener.onPicture(seed),
      children: [pictureOf(seed, false), make("span", { text: seed.title })],
    });
    button.dataset.testid = "picture";
    button.dataset.hash = seed.hash;
    if (isCurrent) button.setAttribute("aria-current", "true");
    return button;
  }
}
