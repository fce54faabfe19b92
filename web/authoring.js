// @ts-check
// Scenes in words: a text box over the frozen world, before and after, undo, the history, and new places.

import { AuthoringHistory } from "./authoring_history.js";
import { RequestError } from "./connection.js";
import { byId, make } from "./dom.js";
import { describe } from "./library.js";
import { textOfError } from "./problems.js";
import { fetchHealth } from "./rest.js";
import { PROGRESS_TEXTS } from "./texts.js";

/** @import { App } from "./app.js" */
/** @import { Edit } from "./authoring_history.js" */
/** @import { Library } from "./library.js" */
/** @import { LogBook } from "./log_book.js" */
/** @import { ProgressMessage } from "./protocol.generated.d.ts" */
/** @import { Session } from "./session.js" */

const LIMIT_S = 600;

/** @typedef {"edit" | "scene"} Mode */

/** @type {Readonly<Record<Mode, { title: string, hint: string, submit: string }>>} */
const WORDS = {
  edit: { title: "Change the scene", hint: "Add a dragon, make it night, let it snow", submit: "Change it" },
  scene: { title: "A new place", hint: "A flooded cathedral at dawn", submit: "Go there" },
};

export class Authoring {
  #app;
  #library;
  #log;
  #history = new AuthoringHistory();
  /** @type {Mode} */
  #mode = "edit";
  /** @type {AbortController | null} */
  #running = null;
  #dialog = byId("authoring", HTMLDialogElement);
  #wish = byId("authoring-wish", HTMLTextAreaElement);
  #submit = byId("authoring-submit", HTMLButtonElement);
  #status = byId("authoring-status", HTMLElement);
  #preview = byId("authoring-preview", HTMLElement);
  #picture = byId("authoring-picture", HTMLImageElement);
  #compare = byId("authoring-compare", HTMLButtonElement);
  #undo = byId("authoring-undo", HTMLButtonElement);
  #list = byId("authoring-history", HTMLUListElement);

  /**
   * @param {App} app
   * @param {Library} library
   * @param {LogBook} log
   */
  constructor(app, library, log) {
    this.#app = app;
    this.#library = library;
    this.#log = log;
    byId("authoring-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#make();
    });
    this.#wish.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#make();
    });
    this.#compare.addEventListener("click", () => this.#show(this.#compare.ariaPressed !== "true"));
    this.#undo.addEventListener("click", () => this.#history.last && void this.#takeBack(this.#history.last));
    byId("authoring-close", HTMLButtonElement).addEventListener("click", () => this.close());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  /**
   * From play the world freezes behind the text; from the menu the menu stays there.
   *
   * @param {Mode} mode
   */
  open(mode) {
    if (this.#app.screen.name === "playing") this.#app.freeze();
    if (this.#app.screen.name !== "paused" || this.#app.screen.isBusy || this.#dialog.open) return;
    this.#mode = mode;
    const { title, hint, submit } = WORDS[mode];
    byId("authoring-title", HTMLElement).textContent = title;
    this.#submit.textContent = submit;
    this.#wish.placeholder = hint;
    this.#wish.value = "";
    this.#say("");
    this.#draw();
    this.#dialog.showModal();
    this.#wish.focus();
    void this.#offer();
  }

  /** Gives up what is being made. */
  close() {
    this.#running?.abort();
    this.#dialog.close();
  }

  /** @param {ProgressMessage} push */
  progress({ step, fraction }) {
    if (!this.#running) return;
    this.#say(PROGRESS_TEXTS[step] + (fraction === undefined ? "" : `, ${Math.round(fraction * 100)} %`));
  }

  /** The world is left, or is another one. */
  forget() {
    this.#history.clear();
    this.close();
  }

  #closed() {
    if (!this.#app.menu.isOpen) this.#app.resume();
  }

  /** Say what is missing before anybody types in vain; load what is there meanwhile. */
  async #offer() {
    this.#submit.disabled = true;
    try {
      const { authoring } = await fetchHealth();
      if (!authoring.available) return this.#say(authoring.reason ?? "", "problem");
      await this.#app.session?.wantScenes();
      this.#submit.disabled = this.#running !== null;
    } catch (error) {
      this.#say(error instanceof RequestError ? wordsOf(error) : describe(error), "problem");
    }
  }

  async #make() {
    const { session } = this.#app;
    const wish = this.#wish.value.trim();
    if (!session || this.#running || this.#submit.disabled || !wish) return;
    this.#running = new AbortController();
    this.#submit.disabled = true;
    this.#say("Sending");
    try {
      if (this.#mode === "edit") await this.#edit(session, wish, this.#running.signal);
      else await this.#generate(session, wish, this.#running.signal);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#log.write("error", wordsOf(error));
      this.#say(wordsOf(error), "problem");
    } finally {
      this.#running = null;
      this.#submit.disabled = false;
    }
  }

  /**
   * @param {Session} session
   * @param {string} wish
   * @param {AbortSignal} signal
   */
  async #edit(session, wish, signal) {
    const { snapshot_id: moment } = await session.takeSnapshot();
    const made = await session.editScene(wish, LIMIT_S, signal);
    if (session !== this.#app.session) return;
    const [before, after] = [made.original_jpeg_b64, made.preview_jpeg_b64].map((data) => `data:image/jpeg;base64,${data}`);
    this.#history.add({ wish, moment, before: before ?? "", after: after ?? "" });
    this.#log.write("info", `Changed: ${made.edit_prompt}`);
    this.#wish.value = "";
    this.#say("Done. Esc goes on.");
    this.#draw();
  }

  /**
   * @param {Session} session
   * @param {string} wish
   * @param {AbortSignal} signal
   */
  async #generate(session, wish, signal) {
    const { seed_hash } = await session.generateScene(wish, LIMIT_S, signal);
    if (session !== this.#app.session) return;
    this.#history.clear();
    const seed = await this.#library.find(seed_hash);
    if (seed) this.#app.setSeed(seed);
    this.#app.menu.close();
    this.#dialog.close();
  }

  /** @param {Edit} edit */
  async #takeBack(edit) {
    const { session } = this.#app;
    if (!session || this.#running) return;
    try {
      await session.restoreSnapshot(edit.moment);
      this.#history.undone(edit);
      this.#say(`Taken back: ${edit.wish}`);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#say(wordsOf(error), "problem");
    }
    this.#draw();
  }

  #draw() {
    const { edits, last } = this.#history;
    this.#preview.hidden = last === null || this.#mode !== "edit";
    this.#show(false);
    this.#list.replaceChildren(...(this.#mode === "edit" ? edits.map((edit) => this.#item(edit)) : []));
  }

  /** @param {boolean} isBefore */
  #show(isBefore) {
    const { last } = this.#history;
    this.#compare.ariaPressed = String(isBefore);
    if (last === null) return;
    this.#picture.src = isBefore ? last.before : last.after;
    this.#picture.alt = isBefore ? "Before" : `After: ${last.wish}`;
  }

  /** @param {Edit} edit */
  #item(edit) {
    const button = make("button", {
      className: "moment",
      type: "button",
      ariaLabel: `Go back to before: ${edit.wish}`,
      onclick: () => void this.#takeBack(edit),
      children: [make("img", { src: edit.before, alt: "" }), make("span", { text: edit.wish })],
    });
    button.dataset.testid = "authoring-edit";
    return make("li", { children: [button] });
  }

  /**
   * @param {string} text
   * @param {"progress" | "problem"} kind
   */
  #say(text, kind = "progress") {
    this.#status.textContent = text;
    this.#status.dataset.kind = kind;
    this.#status.hidden = text === "";
  }
}

/** @param {RequestError} error */
function wordsOf(error) {
  // The server's own words say what was wrong with these words.
  const isOwn = error.code?.startsWith("authoring") && error.message;
  return isOwn ? error.message : textOfError({ code: error.code, id: error.errorId, message: error.message });
}
