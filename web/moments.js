// @ts-check
// The list of moments of this world that the server keeps and that the player can return to.

import { byId, make } from "./dom.js";
import { LOCALE, phrase } from "./texts/texts.js";

/** @typedef {{ id: string, takenAt: Date, picture: string }} Moment `picture` is an object URL */

export class Moments {
  #list = byId("moments", HTMLUListElement);
  #onRestore;
  #onBranch;
  /** @type {Moment[]} newest first */
  #moments = [];

  /**
   * @param {(momentId: string) => void} onRestore
   * @param {(momentId: string) => void} onBranch
   */
  constructor(onRestore, onBranch) {
    this.#onRestore = onRestore;
    this.#onBranch = onBranch;
  }

  /**
   * @param {Moment} moment
   * @param {readonly string[]} kept ids that the server still has
   */
  add(moment, kept) {
    this.#moments.unshift(moment);
    this.keep(kept);
  }

  /**
   * @param {string} id
   * @returns {Date | null}
   */
  timeOf(id) {
    return this.#moments.find((moment) => moment.id === id)?.takenAt ?? null;
  }

  /** @param {readonly string[]} kept */
  keep(kept) {
    for (const gone of this.#moments.filter(({ id }) => !kept.includes(id))) URL.revokeObjectURL(gone.picture);
    this.#moments = this.#moments.filter(({ id }) => kept.includes(id));
    this.#list.replaceChildren(...this.#moments.map((moment) => this.#item(moment)));
  }

  /** @param {Moment} moment */
  #item(moment) {
    const time = moment.takenAt.toLocaleTimeString(LOCALE);
    const button = make("button", {
      className: "moment",
      type: "button",
      ariaLabel: phrase("moments.goBack", { time }),
      onclick: () => this.#onRestore(moment.id),
      children: [make("img", { src: moment.picture, alt: "" }), make("span", { text: time })],
    });
    button.dataset.testid = "moment";
    const branch = make("button", {
      className: "button is-quiet moment-branch",
      type: "button",
      text: phrase("moments.saveAsWorld"),
      ariaLabel: phrase("common.about", { what: phrase("moments.saveAsWorld"), about: time }),
      onclick: () => this.#onBranch(moment.id),
    });
    branch.dataset.testid = "moment-branch";
    return make("li", { children: [button, branch] });
  }
}
