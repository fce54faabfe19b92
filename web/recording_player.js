// @ts-check
// Plays one recording, and lets the person download, rename or delete it.

import { byId } from "./dom.js";
import { FeedbackControl } from "./feedback.js";
import { describe } from "./library.js";
import { dateText, sizeText, titleOf } from "./recording_texts.js";
import { deleteRecording, renameRecording } from "./recordings_rest.js";
import { RestError } from "./rest.js";
import { frameTime } from "./studio_draft.js";
import { problemText } from "./studio_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { RecordingSummary } from "./recordings_rest.js" */

const SURE_MS = 5000;

/**
 * @typedef {object} RecordingPlayerListener
 * @property {() => void} onChanged the recording was renamed or deleted
 * @property {(name: string) => void} onClosed
 * @property {(recording: RecordingSummary, atS: number) => Promise<void>} onWalk a world opens in the frame at that time
 * @property {(recording: RecordingSummary) => void} onRetake a film is to follow the recording
 */

export class RecordingPlayer {
  #listener;
  #page = byId("recording-player", HTMLElement);
  #video = byId("recording-video", HTMLVideoElement);
  #title = byId("recording-title", HTMLElement);
  #facts = byId("recording-facts", HTMLElement);
  #problem = byId("recording-problem", HTMLElement);
  #download = byId("recording-download", HTMLAnchorElement);
  #delete = byId("recording-delete", HTMLButtonElement);
  #renameForm = byId("recording-rename-form", HTMLFormElement);
  #feedback = new FeedbackControl();
  #newName = byId("recording-new-name", HTMLInputElement);
  /** @type {RecordingSummary | null} */
  #recording = null;
  #sureTimer = 0;

  /** @param {RecordingPlayerListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#facts.after(this.#feedback.element);
    byId("recording-back", HTMLElement).addEventListener("click", () => this.close());
    byId("recording-rename", HTMLElement).addEventListener("click", () => this.#askForName());
    byId("recording-walk", HTMLElement).addEventListener("click", () => void this.#walk());
    byId("recording-retake", HTMLElement).addEventListener("click", () => {
      this.#video.pause();
      if (this.#recording) listener.onRetake(this.#recording);
    });
    this.#delete.addEventListener("click", () => void this.#remove());
    this.#renameForm.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#rename();
    });
    this.#video.addEventListener("error", () => {
      if (this.#recording) this.#tell(phrase("recordings.unplayable"));
    });
  }

  get isOpen() {
    return this.#recording !== null;
  }

  /** @param {RecordingSummary} recording */
  open(recording) {
    this.#page.hidden = false;
    this.#show(recording);
    this.#video.src = recording.video_url;
    void this.#video.play().catch(() => {
      // The browser requires a click first. Its own controls are visible for that.
    });
    this.#video.focus();
  }

  close() {
    const recording = this.#recording;
    if (!recording) return;
    this.#recording = null;
    this.#video.pause();
    // Otherwise the browser would go on loading.
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#page.hidden = true;
    this.#listener.onClosed(recording.name);
  }

  /** @param {RecordingSummary} recording */
  #show(recording) {
    this.#recording = recording;
    const { started_at, size_bytes, width, height, model } = recording;
    this.#title.textContent = titleOf(recording);
    const facts = [dateText(started_at), `${width} × ${height}`, sizeText(size_bytes), model];
    this.#facts.textContent = facts.filter(Boolean).join(", ");
    this.#download.href = `${recording.video_url}?download=true`;
    this.#feedback.rate({ kind: "recording", id: recording.name }, titleOf(recording));
    this.#renameForm.hidden = true;
    this.#beUnsure();
    this.#tell(null);
  }

  #askForName() {
    if (!this.#recording) return;
    this.#renameForm.hidden = false;
    this.#newName.value = titleOf(this.#recording).replaceAll(":", ".");
    this.#newName.select();
  }

  async #rename() {
    const recording = this.#recording;
    if (!recording) return;
    await this.#attempt(async () => {
      const renamed = await renameRecording(recording.name, this.#newName.value);
      if (this.#recording !== recording) return;
      const { currentTime, paused } = this.#video;
      this.#show(renamed);
      // The old address does not exist any more, and the browser may have loaded only a part.
      this.#video.src = renamed.video_url;
      this.#video.currentTime = currentTime;
      if (!paused) void this.#video.play().catch(() => {});
    });
  }

  async #walk() {
    const recording = this.#recording;
    if (!recording) return;
    this.#tell(null);
    try {
      await this.#listener.onWalk(recording, frameTime(this.#video.currentTime, recording.duration_s));
    } catch (error) {
      this.#tell(problemText(error));
    }
  }

  async #remove() {
    const recording = this.#recording;
    if (!recording) return;
    if (this.#delete.dataset.isSure !== "true") return this.#beSure();
    // Some systems cannot delete a file that is being read.
    this.#video.removeAttribute("src");
    this.#video.load();
    const done = await this.#attempt(async () => {
      try {
        await deleteRecording(recording.name);
      } catch (error) {
        if (!(error instanceof RestError && error.status === 404)) throw error;
      }
    });
    if (done && this.#recording === recording) this.close();
  }

  /** The first click asks for confirmation, the second one deletes. */
  #beSure() {
    this.#delete.dataset.isSure = "true";
    this.#delete.textContent = phrase("common.deleteForGood");
    this.#sureTimer = window.setTimeout(() => this.#beUnsure(), SURE_MS);
  }

  #beUnsure() {
    clearTimeout(this.#sureTimer);
    this.#delete.dataset.isSure = "false";
    this.#delete.textContent = phrase("common.delete");
  }

  /**
   * @param {() => Promise<void>} change
   * @returns {Promise<boolean>}
   */
  async #attempt(change) {
    try {
      await change();
    } catch (error) {
      this.#beUnsure();
      this.#tell(describe(error));
      return false;
    }
    this.#listener.onChanged();
    return true;
  }

  /** @param {string | null} text */
  #tell(text) {
    this.#problem.textContent = text;
    this.#problem.hidden = text === null;
  }
}
