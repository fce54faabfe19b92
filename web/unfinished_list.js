// @ts-check
// The recordings that have no finished file yet: those that run, are being finished, or wait until they can be.

import { byId, make } from "./dom.js";
import { describe } from "./library.js";
import { durationText } from "./recording_texts.js";
import { deleteRecording, finishRecording } from "./recordings_rest.js";
import { phrase } from "./texts/texts.js";

/** @import { UnfinishedRecording } from "./recordings_rest.js" */

const SURE_MS = 5000;

/**
 * @typedef {object} UnfinishedListListener
 * @property {() => void} onChanged something was deleted, or is being finished
 * @property {(text: string) => void} onProblem
 */

export class UnfinishedList {
  #listener;
  #list = byId("unfinished-recordings", HTMLUListElement);
  #shown = "";
  /** The name of the recording that the next click on its button deletes. @type {string | null} */
  #sureOf = null;
  #sureTimer = 0;

  /** @param {UnfinishedListListener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** @param {UnfinishedRecording[]} recordings */
  show(recordings) {
    // Buttons that nothing has changed stay, with the focus and with a click that is half done.
    const described = JSON.stringify([recordings, this.#sureOf]);
    if (described === this.#shown) return;
    this.#shown = described;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
    this.#list.replaceChildren(...recordings.map((recording) => this.#item(recording)));
    if (focused === undefined) return;
    [...this.#list.querySelectorAll("button")].find((button) => button.dataset.key === focused)?.focus();
  }

  /** @param {UnfinishedRecording} recording */
  #item(recording) {
    const { state, duration_s, fraction, message } = recording;
    const text = `${phrase(`unfinished.${state}`)}, ${durationText(duration_s)}`;
    const item = make("li", { className: "unfinished-recording", children: [make("span", { text })] });
    item.dataset.testid = "unfinished-recording";
    item.dataset.state = state;
    if (state === "finishing") {
      const bar = make("progress", { ariaLabel: text });
      // Without a value the browser shows an indeterminate bar.
      if (fraction !== null) bar.value = fraction;
      item.append(bar);
    }
    if (state === "waiting") {
      item.append(make("p", { className: "recordings-note", text: message ?? "" }), this.#buttons(recording));
    }
    return item;
  }

  /** @param {UnfinishedRecording} recording */
  #buttons({ name, video_url }) {
    const links =
      video_url === null
        ? []
        : [
            make("a", { className: "button", href: video_url, target: "_blank", text: phrase("common.watch") }),
            make("a", { className: "button", href: `${video_url}?download=true`, download: "", text: phrase("common.download") }),
          ];
    const finish = this.#button(phrase("recordings.finishNow"), `finish ${name}`, () => this.#attempt(() => finishRecording(name)));
    const deletes = phrase(this.#sureOf === name ? "common.deleteForGood" : "common.delete");
    const remove = this.#button(deletes, `delete ${name}`, () => this.#remove(name));
    return make("p", { className: "button-row", children: [...links, finish, remove] });
  }

  /**
   * @param {string} text
   * @param {string} key
   * @param {() => void} onclick
   */
  #button(text, key, onclick) {
    const button = make("button", { className: "button", type: "button", text, onclick });
    button.dataset.key = key;
    return button;
  }

  /**
   * The first click asks for confirmation, the second one deletes.
   *
   * @param {string} name
   */
  #remove(name) {
    clearTimeout(this.#sureTimer);
    if (this.#sureOf === name) {
      this.#sureOf = null;
      return void this.#attempt(() => deleteRecording(name));
    }
    this.#sureOf = name;
    this.#sureTimer = window.setTimeout(() => {
      this.#sureOf = null;
      this.#listener.onChanged();
    }, SURE_MS);
    this.#listener.onChanged();
  }

  /** @param {() => Promise<void>} change */
  async #attempt(change) {
    try {
      await change();
      this.#listener.onChanged();
    } catch (error) {
      this.#listener.onProblem(describe(error));
    }
  }
}
