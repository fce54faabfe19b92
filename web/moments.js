// @ts-check
// The moments of this world that the server keeps and one can go back to.

import { byId, make } from "./dom.js";

/** @typedef {{ id: string, takenAt: Date, picture: string }} Moment `picture` is an object URL */

export class Moments {
  #list = byId("moments", HTMLUListElement);
  #onRestore;
  /** @type {Moment[]} newest first */
  #moments = [];

  /** @param {(snapshotId: string) => void} onRestore */
  constructor(onRestore) {
    this.#onRestore = onRestore;
  }

  /**
   * @param {Moment} moment
   * @param {readonly string[]} kept what the server still has
   */
  add(moment, kept) {
    this.#moments.unshift(moment);
    this.keep(kept);
  }

  /** @param {readonly string[]} kept */
  keep(kept) {
    for (const gone of this.#moments.filter(({ id }) => !kept.includes(id))) URL.revokeObjectURL(gone.picture);
    this.#moments = this.#moments.filter(({ id }) => kept.includes(id));
    this.#list.replaceChildren(...this.#moments.map((moment) => this.#item(moment)));
  }

  /** @param {Moment} moment */
  #item(moment) {
    const time = moment.takenAt.toLocaleTimeString();
    const button = make("button", {
      className: "moment",
      type: "button",
      ariaLabel: `Go back to ${time}`,
      onclick: () => this.#onRestore(moment.id),
      children: [make("img", { src: moment.picture, alt: "" }), make("span", { text: time })],
    });
    button.dataset.testid = "moment";
    return make("li", { children: [button] });
  }
}
