// @ts-check
// The time line of a film: small pictures over its length, on which a part is marked by dragging, or with two sliders.

import { make } from "./dom.js";
import { secondsText } from "./studio_texts.js";
import { phrase } from "./texts/texts.js";

const STEP_S = 0.05;
/** Whoever moves less than so many pixels has pressed, and not dragged. */
const DRAG_PX = 4;

/** @typedef {{ startS: number, endS: number }} Part in seconds */

/**
 * @typedef {object} TimeLineListener
 * @property {(part: Part) => void} onPart the person has marked another part
 * @property {(atS: number) => void} onSeek the person wants to see this moment
 */

export class TimeLine {
  #listener;
  #seconds = 0;
  /** @type {Part} */
  #part = { startS: 0, endS: 0 };
  #sprite = make("img", { className: "time-line-sprite", alt: "", draggable: false });
  #mark = make("div", { className: "time-line-part" });
  #head = make("div", { className: "time-line-head" });
  #strip = make("div", { className: "time-line-strip", children: [this.#sprite, this.#mark, this.#head] });
  #start = make("input", { type: "range", min: "0", step: String(STEP_S) });
  #end = make("input", { type: "range", min: "0", step: String(STEP_S) });
  #startValue = make("output");
  #endValue = make("output");
  element;

  /** @param {TimeLineListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#strip.dataset.testid = "time-line";
    this.#start.dataset.testid = "time-line-start";
    this.#end.dataset.testid = "time-line-end";
    this.#sprite.addEventListener("error", () => (this.#sprite.hidden = true));
    this.#strip.addEventListener("pointerdown", (event) => this.#press(event));
    this.#start.addEventListener("input", () => this.#slide(this.#start));
    this.#end.addEventListener("input", () => this.#slide(this.#end));
    this.element = make("div", {
      className: "time-line",
      children: [
        this.#strip,
        make("div", {
          className: "time-line-ends",
          children: [this.#field(phrase("studio.from"), this.#start, this.#startValue), this.#field(phrase("studio.to"), this.#end, this.#endValue)],
        }),
      ],
    });
  }

  /** @returns {Part} the part that is marked; as long as nothing where none is */
  get part() {
    return this.#part;
  }

  /**
   * @param {number} seconds of the film
   * @param {string | null} spriteUrl
   * @param {Part} part
   */
  show(seconds, spriteUrl, part) {
    this.#seconds = seconds;
    for (const slider of [this.#start, this.#end]) slider.max = String(seconds);
    this.#sprite.hidden = spriteUrl === null;
    if (spriteUrl === null) this.#sprite.removeAttribute("src");
    else if (this.#sprite.getAttribute("src") !== spriteUrl) this.#sprite.src = spriteUrl;
    this.mark(part);
  }

  /** @param {Part} part */
  mark({ startS, endS }) {
    this.#part = { startS, endS };
    const share = (/** @type {number} */ at) => `${this.#seconds > 0 ? (Math.min(at, this.#seconds) / this.#seconds) * 100 : 0}%`;
    this.#mark.style.left = share(startS);
    this.#mark.style.width = share(endS - startS);
    this.#start.value = String(startS);
    this.#end.value = String(endS);
    this.#startValue.textContent = secondsText(startS);
    this.#endValue.textContent = secondsText(endS);
    this.#start.ariaValueText = this.#startValue.textContent;
    this.#end.ariaValueText = this.#endValue.textContent;
  }

  /** @param {number} atS where the player is */
  showTime(atS) {
    this.#head.style.left = `${this.#seconds > 0 ? Math.min(atS / this.#seconds, 1) * 100 : 0}%`;
  }

  /** @param {HTMLInputElement} slider that was moved; the other one gives way */
  #slide(slider) {
    const at = Number(slider.value);
    const [startS, endS] = slider === this.#start ? [at, Math.max(at, this.#part.endS)] : [Math.min(at, this.#part.startS), at];
    this.#tell({ startS, endS }, at);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0) return;
    const from = this.#timeAt(event.clientX);
    const { clientX } = event;
    let isDrag = false;
    const moved = (/** @type {PointerEvent} */ next) => {
      isDrag ||= Math.abs(next.clientX - clientX) >= DRAG_PX;
      if (!isDrag) return;
      const to = this.#timeAt(next.clientX);
      this.#tell({ startS: Math.min(from, to), endS: Math.max(from, to) }, to);
    };
    const stop = new AbortController();
    const options = { signal: stop.signal };
    this.#strip.setPointerCapture(event.pointerId);
    this.#strip.addEventListener("pointermove", moved, options);
    this.#strip.addEventListener("pointercancel", () => stop.abort(), options);
    this.#strip.addEventListener("pointerup", () => {
      stop.abort();
      if (!isDrag) this.#listener.onSeek(from);
    }, options);
  }

  /** @param {number} clientX */
  #timeAt(clientX) {
    const { left, width } = this.#strip.getBoundingClientRect();
    const share = width > 0 ? Math.min(Math.max((clientX - left) / width, 0), 1) : 0;
    return Math.min(Math.round((share * this.#seconds) / STEP_S) * STEP_S, this.#seconds);
  }

  /**
   * @param {Part} part
   * @param {number} atS where the person looks
   */
  #tell(part, atS) {
    this.mark(part);
    this.#listener.onPart(this.#part);
    this.#listener.onSeek(atS);
  }

  /**
   * @param {string} text
   * @param {HTMLInputElement} slider
   * @param {HTMLOutputElement} value
   */
  #field(text, slider, value) {
    return make("label", { className: "setting", children: [make("span", { text }), slider, value] });
  }
}
