// @ts-check
// A bar that shows how far something is, for eyes and for ears.

import { make } from "./dom.js";

export class ProgressBar {
  #bar = make("div", { className: "progress-bar" });
  element;

  /** @param {HTMLElement} element with a name of its own, which says what the progress is of */
  constructor(element) {
    this.element = element;
    element.classList.add("progress");
    element.setAttribute("role", "progressbar");
    element.ariaValueMin = "0";
    element.ariaValueMax = "100";
    element.replaceChildren(this.#bar);
    this.show(null);
  }

  /** @param {number | null} fraction null while it is not known */
  show(fraction) {
    this.element.classList.toggle("is-indeterminate", fraction === null);
    const percent = fraction === null ? null : Math.round(Math.min(Math.max(fraction, 0), 1) * 100);
    this.#bar.style.width = percent === null ? "" : `${percent}%`;
    this.element.ariaValueNow = percent === null ? null : String(percent);
  }
}
