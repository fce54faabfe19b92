// @ts-check
// A field of the Studio for what a film is made from: chosen from a list or sent as a file, and shown.

import { make } from "./dom.js";
import { uploadFilmSource } from "./films_rest.js";
import { durationText } from "./recording_texts.js";
import { keyOf } from "./studio_draft.js";
import { problemText } from "./studio_texts.js";
import { TimeLine } from "./studio_time_line.js";
import { phrase } from "./texts/texts.js";
import { titleOf } from "./upload.js";

/** @import { SourceRef } from "./films_rest.js" */
/** @import { Footage, FootageShelf } from "./studio_footage.js" */
/** @import { Part } from "./studio_time_line.js" */

const MEDIA = "video/*,audio/*,.mkv,.mp4,.mov,.webm,.avi,.mp3,.wav,.flac,.ogg,.aac";
const GROUPS = /** @type {const} */ (["films", "recordings", "files"]);

/**
 * @typedef {object} SourceFieldListener
 * @property {(ref: SourceRef | null) => void} onChosen
 * @property {(part: Part) => void} onPart
 */

export class SourceField {
  #shelf;
  #listener;
  #label = make("span");
  #select = make("select", { className: "text-field" });
  #fileInput = make("input", { type: "file", accept: MEDIA, hidden: true });
  #send = make("button", { className: "button", type: "button", text: phrase("studio.sendFile") });
  #notice = make("p", { className: "notice", hidden: true, role: "status" });
  #video = make("video", { className: "studio-preview", controls: true, playsInline: true, preload: "metadata", hidden: true });
  #timeLine;
  /** @type {Footage | null} */
  #shown = null;
  #isSound = false;
  #listed = "";
  element;

  /**
   * @param {FootageShelf} shelf
   * @param {string} testId
   * @param {SourceFieldListener} listener
   */
  constructor(shelf, testId, listener) {
    this.#shelf = shelf;
    this.#listener = listener;
    this.#select.dataset.testid = testId;
    this.#fileInput.dataset.testid = `${testId}-file`;
    this.#timeLine = new TimeLine({ onPart: listener.onPart, onSeek: (atS) => this.#seek(atS) });
    this.#send.addEventListener("click", () => this.#fileInput.click());
    this.#fileInput.addEventListener("change", () => {
      const file = this.#fileInput.files?.[0];
      this.#fileInput.value = "";
      if (file) void this.send(file);
    });
    this.#select.addEventListener("change", () => {
      const chosen = this.#fitting.find(({ ref }) => keyOf(ref) === this.#select.value);
      listener.onChosen(chosen?.ref ?? null);
    });
    this.#video.addEventListener("timeupdate", () => this.#timeLine.showTime(this.#video.currentTime));
    // The server can read more kinds of files than the browser.
    this.#video.addEventListener("error", () => (this.#video.hidden = true));
    const row = make("div", { className: "studio-source-row", children: [this.#select, this.#send] });
    this.element = make("div", {
      className: "studio-source",
      children: [
        make("div", { className: "field", children: [this.#label, row] }),
        this.#fileInput,
        this.#notice,
        this.#video,
        this.#timeLine.element,
      ],
    });
  }

  /**
   * @param {string} label
   * @param {SourceRef | null} ref
   * @param {Part | null} part that is marked; null where none is needed
   * @param {boolean} isSound whether a sound is enough
   */
  show(label, ref, part, isSound) {
    this.#label.textContent = label;
    this.#select.ariaLabel = label;
    this.#isSound = isSound;
    const footage = this.#shelf.find(ref);
    this.#showOptions(ref, footage);
    this.#showFootage(footage, part);
  }

  /** @param {File} file which becomes the source */
  async send(file) {
    this.#notify(phrase("studio.sendingFile"), "progress");
    try {
      const source = await uploadFilmSource(file, titleOf(file.name), (fraction) => {
        const percent = Math.round(fraction * 100);
        this.#notify(fraction < 1 ? phrase("studio.sendingFileShare", { percent }) : phrase("studio.lookingAtFile"), "progress");
      });
      this.#shelf.add(source);
      this.#notify(null);
      this.#listener.onChosen({ source: source.hash });
    } catch (error) {
      this.#notify(problemText(error));
    }
  }

  /** Let go of the video, which the browser would go on loading. */
  release() {
    this.#shown = null;
    this.#video.pause();
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#video.hidden = true;
  }

  /** What can be chosen: of a sound alone, no film can be made longer. */
  get #fitting() {
    return this.#shelf.all.filter(({ width }) => this.#isSound || width !== null);
  }

  /**
   * @param {SourceRef | null} ref
   * @param {Footage | null} footage
   */
  #showOptions(ref, footage) {
    const fitting = this.#fitting;
    const listed = JSON.stringify([ref && !footage, fitting.map(({ ref: one, title }) => [keyOf(one), title])]);
    // A list that is open would be closed by new options.
    if (listed !== this.#listed) this.#list(ref, footage, fitting);
    this.#listed = listed;
    this.#select.value = footage ? keyOf(footage.ref) : "";
  }

  /**
   * @param {SourceRef | null} ref
   * @param {Footage | null} footage
   * @param {readonly Footage[]} fitting
   */
  #list(ref, footage, fitting) {
    const none = make("option", { value: "", text: phrase(ref && !footage ? "studio.gone" : "studio.chooseOne") });
    const groups = GROUPS.flatMap((group) => {
      const members = fitting.filter((one) => one.group === group);
      const options = members.map((one) => make("option", { value: keyOf(one.ref), text: `${one.title}, ${durationText(one.seconds)}` }));
      return options.length > 0 ? [make("optgroup", { label: phrase(`footage.${group}`), children: options })] : [];
    });
    this.#select.replaceChildren(none, ...groups);
  }

  /**
   * @param {Footage | null} footage
   * @param {Part | null} part
   */
  #showFootage(footage, part) {
    const isOther = footage?.url !== this.#shown?.url;
    if (isOther) this.release();
    this.#shown = footage;
    if (footage && isOther) {
      this.#video.src = footage.url;
      this.#video.hidden = footage.width === null && !this.#isSound;
      this.#video.ariaLabel = footage.title;
    }
    this.#timeLine.element.hidden = footage === null || part === null;
    if (footage && part) this.#timeLine.show(footage.seconds, footage.spriteUrl, part);
  }

  /** @param {number} atS */
  #seek(atS) {
    if (this.#video.readyState > 0) this.#video.currentTime = atS;
  }

  /**
   * @param {string | null} text
   * @param {"problem" | "progress"} kind
   */
  #notify(text, kind = "problem") {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    this.#notice.dataset.kind = kind;
  }
}
