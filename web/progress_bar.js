// @ts-check
// A progress bar that screen readers announce too.

import { make } from "./dom.js";

export class ProgressBar {
  #bar = make("div", { className: "progress-bar" });
  element;

  /** @param {HTMLElement} element with an accessible name, which says what is in progress */
  constructor(element) {
    this.element = element;
    element.classList.add("progress");
    element.setAttribute("role", "progressbar");
    element.ariaValueMin = "0";
    element.ariaValueMax = "100";
    element.replaceChildren(this.#bar);
    this.show(null);
  }

  /** @param {number | null} fraction null while it is unknown */
  show(fraction) {
    this.element.classList.toggle("is-indeterminate", fraction === null);
    const percent = fraction === null ? null : Math.round(Math.min(Math.max(fraction, 0), 1) * 100);
    this.#bar.style.width = percent === null ? "" : `${percent}%`;
    this.element.ariaValueNow = percent === null ? null : String(percent);
  }
}
