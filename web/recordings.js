// @ts-check
// The recordings dialog: finished recordings, those that are being finished, and the player.

import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { describe } from "./library.js";
import { RecordingPlayer } from "./recording_player.js";
import { dateText, durationText, groupBySession, shortTitleOf, sizeText, titleOf } from "./recording_texts.js";
import { fetchRecordings } from "./recordings_rest.js";
import { phrase } from "./texts/texts.js";
import { UnfinishedList } from "./unfinished_list.js";

/** @import { RecordingPlayerListener } from "./recording_player.js" */
/** @import { RecordingsPage, RecordingSummary } from "./recordings_rest.js" */
/** @import { RecordingGroup } from "./recording_texts.js" */

const PAGE_LENGTH = 60;
const POLL_MS = 1000;

export class Recordings {
  #dialog = byId("recordings", HTMLDialogElement);
  #list = byId("recordings-list", HTMLElement);
  #groups = byId("recording-groups", HTMLElement);
  #unfinished;
  #notice = byId("recordings-notice", HTMLElement);
  #more = byId("recordings-more", HTMLButtonElement);
  /** @type {RecordingSummary[]} */
  #recordings = [];
  /** @type {string | null} */
  #next = null;
  #timer = 0;
  #player;

  /** @param {Pick<RecordingPlayerListener, "onWalk" | "onRetake">} listener */
  constructor({ onWalk, onRetake }) {
    keepFocusInside(this.#dialog);
    this.#player = new RecordingPlayer({
      onChanged: () => void this.#load(),
      onClosed: (name) => this.#showList(name),
      onWalk,
      onRetake,
    });
    this.#unfinished = new UnfinishedList({
      onChanged: () => void this.#load(),
      onProblem: (text) => this.#notify(text),
    });
    this.#more.addEventListener("click", () => void this.#load(this.#next));
    this.#dialog.addEventListener("cancel", (event) => {
      if (!this.#player.isOpen) return;
      event.preventDefault();
      this.#player.close();
    });
    this.#dialog.addEventListener("close", () => {
      clearTimeout(this.#timer);
      this.#player.close();
    });
  }

  open() {
    this.#notify(null);
    this.#showList(null);
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#load();
  }

  close() {
    this.#dialog.close();
  }

  refresh() {
    if (this.#dialog.open) void this.#load();
  }

  /** @param {string | null} [after] cursor of the next page; without it, load from the newest on */
  async #load(after = null) {
    clearTimeout(this.#timer);
    let page;
    try {
      // Pages that were opened before stay open.
      page = await fetchRecordings(after, after === null ? Math.max(PAGE_LENGTH, this.#shownLength()) : PAGE_LENGTH);
    } catch (error) {
      return this.#notify(describe(error));
    }
    this.#notify(null);
    this.#recordings = after === null ? page.recordings : [...this.#recordings, ...page.recordings];
    this.#next = page.next;
    this.#show(page);
    if (this.#dialog.open && page.unfinished.length) {
      this.#timer = window.setTimeout(() => void this.#load(), POLL_MS);
    }
  }

  /** The number of recordings in a page of the server. */
  #shownLength() {
    return Math.min(200, this.#recordings.length);
  }

  /** @param {RecordingsPage} page */
  #show({ unfinished, usage }) {
    const used = phrase("recordings.usage", { used: sizeText(usage.used_bytes), quota: sizeText(usage.quota_bytes) });
    byId("recordings-usage", HTMLElement).textContent = used;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.name : undefined;
    this.#unfinished.show(unfinished);
    this.#groups.replaceChildren(...groupBySession(this.#recordings).map((group) => this.#group(group)));
    byId("recordings-empty", HTMLElement).hidden = this.#recordings.length + unfinished.length > 0;
    this.#more.hidden = this.#next === null;
    if (focused !== undefined) this.#focus(focused);
  }

  /** @param {RecordingGroup} group */
  #group({ title, recordings }) {
    const cards = recordings.map((recording) => make("li", { children: [this.#card(recording)] }));
    return make("section", {
      className: "recording-group",
      ariaLabel: title,
      children: [make("h3", { text: title }), make("ul", { className: "recording-grid", children: cards })],
    });
  }

  /** @param {RecordingSummary} recording */
  #card(recording) {
    const title = titleOf(recording);
    const picture = make("img", {
      alt: "",
      src: recording.thumbnail_url,
      width: recording.width,
      height: recording.height,
      loading: "lazy",
      decoding: "async",
      // A card without a picture still has its text.
      onerror: () => picture.remove(),
    });
    const caption = make("span", {
      className: "recording-caption",
      children: [make("strong", { text: shortTitleOf(recording) }), make("span", { text: durationText(recording.duration_s) })],
    });
    const card = make("button", {
      className: "recording-card",
      type: "button",
      title: `${title}, ${dateText(recording.started_at)}, ${sizeText(recording.size_bytes)}`,
      onclick: () => this.#play(recording),
      children: [picture, caption],
    });
    card.dataset.testid = "recording-card";
    card.dataset.name = recording.name;
    return card;
  }

  /** @param {RecordingSummary} recording */
  #play(recording) {
    this.#list.hidden = true;
    this.#player.open(recording);
  }

  /** @param {string | null} name of the recording that was played */
  #showList(name) {
    this.#list.hidden = false;
    if (name !== null) this.#focus(name);
  }

  /** @param {string} name */
  #focus(name) {
    const card = [...this.#groups.querySelectorAll("button")].find((button) => button.dataset.name === name);
    card?.focus();
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
  }
}
