// @ts-check
// The two views that cover the world: while it loads, and after it was lost.

import { byId } from "./dom.js";
import { phrase } from "./texts/texts.js";

/** @import { Problem, Recovery } from "./problems.js" */
/** @import { SeedSummary } from "./rest.js" */

/** @type {Record<Recovery, string>} */
const AGAIN_TEXTS = {
  reconnect: phrase("lost.tryNow"),
  queue: phrase("lost.tryNow"),
  again: phrase("lost.enterAgain"),
  reload: phrase("lost.reload"),
  choose: "",
};

export class LoadingCurtain {
  #bar = byId("progress-bar", HTMLElement);
  #progress = byId("progress", HTMLElement);
  #sharp = byId("loading-sharp", HTMLImageElement);
  #percent = 0;

  /** @param {SeedSummary} seed */
  open(seed) {
    byId("loading-title", HTMLElement).textContent = seed.title;
    byId("lost-picture", HTMLImageElement).src = seed.thumbnail_url;
    byId("loading-soft", HTMLImageElement).src = seed.thumbnail_url;
    byId("backdrop", HTMLImageElement).src = seed.thumbnail_url;
    this.#sharp.src = seed.image_url;
    this.#percent = 0;
    this.show(phrase("loading.connecting"), 3);
  }

  /**
   * @param {string} text
   * @param {number | null} percent null does not move the bar
   */
  show(text, percent) {
    // Stages may be reported twice or out of order, but the bar must not run backwards.
    this.#percent = Math.max(this.#percent, percent ?? 0);
    byId("stage-text", HTMLElement).textContent = text;
    this.#bar.style.width = `${this.#percent}%`;
    this.#sharp.style.opacity = String(this.#percent / 100);
    this.#progress.ariaValueNow = String(this.#percent);
  }
}

export class LostCurtain {
  #retry = byId("lost-retry", HTMLElement);
  #again = byId("lost-again", HTMLButtonElement);
  #choose = byId("lost-choose", HTMLButtonElement);
  #get = byId("lost-get", HTMLButtonElement);
  #saved = byId("lost-saved", HTMLButtonElement);
  #countdown = 0;

  /** @param {Problem} problem */
  open(problem) {
    byId("lost-title", HTMLElement).textContent = problem.title;
    byId("lost-text", HTMLElement).textContent = problem.text;
    byId("lost-detail", HTMLElement).textContent = problem.detail;
    this.#again.textContent = AGAIN_TEXTS[problem.recovery];
    const mustChoose = problem.recovery === "choose";
    this.#again.hidden = mustChoose;
    this.#again.classList.toggle("is-primary", problem.code !== "modelNotPulled");
    this.#choose.classList.toggle("is-primary", mustChoose);
    this.#get.hidden = problem.code !== "modelNotPulled";
    this.#saved.hidden = true;
    this.#retry.textContent = "";
    // Not on every failed attempt, because the person may be reading the log by then.
    if (this.#again.closest(".curtain")?.contains(document.activeElement)) return;
    const [first] = [this.#get, this.#again, this.#choose].filter(({ hidden }) => !hidden);
    first?.focus();
  }

  /**
   * @param {string} title of a world that can be opened instead
   * @param {() => void} onOpen
   */
  offer(title, onOpen) {
    this.#saved.textContent = phrase("play.openSaved", { title });
    this.#saved.onclick = onOpen;
    this.#saved.hidden = false;
  }

  /** @param {number} delayMs until the next automatic attempt */
  countDown(delayMs) {
    const due = performance.now() + delayMs;
    const show = () => {
      const seconds = Math.ceil((due - performance.now()) / 1000);
      this.#retry.textContent = seconds > 0 ? phrase("lost.nextTry", { seconds }) : phrase("lost.trying");
    };
    this.stop();
    show();
    this.#countdown = window.setInterval(show, 500);
  }

  tryNow() {
    this.stop();
    this.#retry.textContent = phrase("lost.trying");
  }

  stop() {
    window.clearInterval(this.#countdown);
  }
}
