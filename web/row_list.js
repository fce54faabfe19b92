// @ts-check
// A list of rows that is built anew after each change, and keeps the focus where it was, or near it.

import { make } from "./dom.js";

const FOCUSABLE = "button:not([hidden]), select, input";

/** @typedef {{ key: string, title: string, text: string, controls: readonly HTMLElement[] }} Row */

export class RowList {
  #list;
  #fallback;
  #testId;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} fallback gets the focus when no row is left to have it
   * @param {string} testId of a row
   */
  constructor(list, fallback, testId) {
    this.#list = list;
    this.#fallback = fallback;
    this.#testId = testId;
  }

  /** @param {readonly Row[]} rows */
  show(rows) {
    const before = [...this.#list.children];
    const index = before.findIndex((row) => row.contains(document.activeElement));
    const focused = before[index];
    const control = focused ? controlsOf(focused).findIndex((one) => one === document.activeElement) : -1;
    const elements = rows.map((row) => this.#build(row));
    this.#list.replaceChildren(...elements);
    if (!(focused instanceof HTMLElement)) return;
    const again = elements.find(({ dataset }) => dataset.key === focused.dataset.key);
    const heir = again ?? elements[Math.min(index, elements.length - 1)];
    const controls = heir ? controlsOf(heir) : [];
    (controls[control] ?? controls[0] ?? this.#fallback).focus();
  }

  /** @param {Row} row */
  #build({ key, title, text, controls }) {
    const words = make("div", {
      className: "row-words",
      children: [make("strong", { text: title }), make("p", { className: "recordings-note", text })],
    });
    const element = make("li", {
      className: "row",
      children: [words, make("div", { className: "row-controls", children: [...controls] })],
    });
    element.dataset.key = key;
    element.dataset.testid = this.#testId;
    return element;
  }
}

/** @param {Element} row */
function controlsOf(row) {
  return [...row.querySelectorAll(FOCUSABLE)].filter((element) => element instanceof HTMLElement);
}
