// @ts-check
// The record buttons over the world and in the menu: switch recording, show its duration, and report its result.

import { RequestError } from "./connection.js";
import { byId } from "./dom.js";
import { textOfError } from "./problems.js";
import { RecordingState } from "./recording_state.js";
import { clipText, durationText } from "./recording_texts.js";
import { phrase } from "./texts/texts.js";
import { toast } from "./toasts.js";

/** @import { App } from "./app.js" */
/** @import { LogBook } from "./log_book.js" */
/** @import { RecordingMessage } from "./protocol.generated.d.ts" */
/** @import { Session } from "./session.js" */
/** @import { Notice } from "./recording_state.js" */

const TICK_MS = 250;

export class RecordingControl {
  #app;
  #log;
  #state = new RecordingState();
  #isAsking = false;
  #button = byId("record-button", HTMLButtonElement);
  #menuButton = byId("menu-record-button", HTMLButtonElement);
  #time = byId("record-time", HTMLElement);
  #timer = 0;

  /**
   * @param {App} app
   * @param {LogBook} log
   */
  constructor(app, log) {
    this.#app = app;
    this.#log = log;
  }

  get isOn() {
    return this.#state.isOn;
  }

  async toggle() {
    await this.#ask(async (session) => {
      const answer = await session.switchRecording(!this.#state.isOn);
      if (session === this.#app.session) this.#state.answered(answer);
    });
  }

  /** Make a recording of what has just happened, whether or not anything is being recorded. */
  async keepClip() {
    await this.#ask(async (session) => {
      const clip = await session.keepClip();
      this.#say({ kind: "info", text: clipText(clip.duration_s) });
    });
  }

  /** @param {(session: Session) => Promise<void>} question one at a time */
  async #ask(question) {
    const { session } = this.#app;
    if (!session || this.#isAsking) return;
    this.#isAsking = true;
    try {
      await question(session);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#say({ kind: "error", text: textOfError({ code: error.code, id: error.errorId, message: error.message }) });
    } finally {
      this.#isAsking = false;
      this.#show();
    }
  }

  /** @param {RecordingMessage} news */
  receive(news) {
    const notice = this.#state.told(news, performance.now());
    this.#show();
    if (notice) this.#say(notice);
  }

  /** The session is over. */
  forget() {
    this.#state.forget();
    this.#show();
  }

  /** @param {Notice} notice */
  #say({ kind, text }) {
    this.#log.write(kind, text);
    if (this.#app.screen.name === "playing") toast(text, kind);
    if (this.#app.screen.name === "paused") this.#app.menu.notify(text, kind === "error" ? "problem" : "progress");
  }

  #show() {
    const { isOn, segment } = this.#state;
    this.#app.session?.setRecorded(isOn);
    const label = phrase(isOn ? "common.stopRecording" : "common.record");
    this.#button.ariaLabel = label;
    for (const button of [this.#button, this.#menuButton]) {
      button.classList.toggle("is-recording", isOn);
      button.ariaPressed = String(isOn);
    }
    byId("menu-record-label", HTMLElement).textContent = label;
    clearInterval(this.#timer);
    if (segment) this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  #tick() {
    const seconds = this.#state.elapsedSeconds(performance.now());
    this.#time.hidden = !this.#state.isOn;
    this.#time.textContent = seconds === null ? phrase("common.waiting") : durationText(seconds);
  }
}
