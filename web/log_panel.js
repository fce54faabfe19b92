// @ts-check
// The live log. It appears in the view from which the person opens it.

import { make } from "./dom.js";

/** @import { LogEntry } from "./log_book.js" */

const LINES = 300;

export class LogPanel {
  #panel;
  #lines;
  /** @type {LogEntry[]} shown at the next animation frame, so that a burst of lines needs only one layout */
  #unshown = [];

  /**
   * @param {HTMLElement} panel
   * @param {HTMLElement} lines
   */
  constructor(panel, lines) {
    this.#panel = panel;
    this.#lines = lines;
  }

  /** @param {LogEntry} entry */
  add(entry) {
    this.#unshown.push(entry);
    if (this.#unshown.length > LINES) this.#unshown.shift();
    if (this.#unshown.length === 1) requestAnimationFrame(() => this.#show());
  }

  /** @param {HTMLElement} button that was pressed; its view has a `.log-host` */
  toggle(button) {
    const host = button.closest(".curtain-body, .menu-page")?.querySelector(".log-host");
    if (!host) return;
    const isOpenHere = this.#panel.parentElement === host && !this.#panel.hidden;
    host.append(this.#panel);
    this.#panel.hidden = isOpenHere;
    button.setAttribute("aria-expanded", String(!isOpenHere));
    this.#lines.scrollTop = this.#lines.scrollHeight;
    if (!isOpenHere) this.#panel.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  #show() {
    const isAtEnd = this.#lines.scrollHeight - this.#lines.scrollTop - this.#lines.clientHeight < 40;
    this.#lines.append(...this.#unshown.map(lineOf));
    this.#unshown = [];
    while (this.#lines.childElementCount > LINES) this.#lines.firstElementChild?.remove();
    if (isAtEnd) this.#lines.scrollTop = this.#lines.scrollHeight;
  }
}

/** @param {LogEntry} entry */
function lineOf(entry) {
  const line = make("li", {
    className: "log-line",
    children: [
      make("time", { text: entry.time }),
      make("span", { className: "log-source", text: entry.source }),
      make("span", { text: entry.text }),
    ],
  });
  line.dataset.level = entry.level;
  if (entry.exception) line.append(make("pre", { text: entry.exception }));
  return line;
}
