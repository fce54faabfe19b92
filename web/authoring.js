// @ts-check
// Scenes from prompts: edits the world in play, replaces it by a new place, or makes a place for the gallery.

import { AuthoringHistory } from "./authoring_history.js";
import { obstacleOf, textOfFailure } from "./authoring_texts.js";
import { ScenePreview } from "./scene_preview.js";
import { PromptBox } from "./prompt_box.js";
import { phrase } from "./texts/texts.js";

/** @import { App } from "./app.js" */
/** @import { Edit } from "./authoring_history.js" */
/** @import { Library } from "./library.js" */
/** @import { LogBook } from "./log_book.js" */
/** @import { ProgressMessage } from "./protocol.generated.d.ts" */
/** @import { Session } from "./session.js" */
/** @import { PromptTexts } from "./prompt_box.js" */

const LIMIT_S = 600;

/** @typedef {"edit" | "scene" | "gallery"} Mode `scene`: replace the world in play by another place */

/** @type {Readonly<Record<Mode, PromptTexts>>} */
const WORDS = {
  edit: { title: phrase("authoring.editTitle"), hint: phrase("authoring.editHint"), submit: phrase("authoring.editSubmit") },
  scene: { title: phrase("authoring.sceneTitle"), hint: phrase("authoring.sceneHint"), submit: phrase("authoring.sceneSubmit") },
  gallery: { title: phrase("common.describe"), hint: phrase("authoring.sceneHint"), submit: phrase("authoring.gallerySubmit") },
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
  #isMaking = false;
  /** @type {Promise<boolean>} whether the server can make scenes */
  #ready = Promise.resolve(false);
  /** @type {string | null} a kept moment that equals the present state of the world */
  #present = null;
  #hasChanged = false;
  #box = new PromptBox({
    onPrompt: (prompt) => void this.#make(prompt),
    onCancel: () => this.#running?.abort(),
    onClosed: () => this.#closed(),
  });
  #preview = new ScenePreview(this.#history, (edit) => void this.#takeBack(edit));

  /**
   * @param {App} app
   * @param {Library} library
   * @param {LogBook} log
   */
  constructor(app, library, log) {
    this.#app = app;
    this.#library = library;
    this.#log = log;
  }

  get isOpen() {
    return this.#box.isOpen;
  }

  /**
   * Open the text box. During play this freezes the world; the menu stays open below it.
   *
   * @param {Mode} mode
   * @param {string} [prompt] initial text
   */
  open(mode, prompt) {
    if (this.isOpen || this.#running) return;
    if (this.#app.screen.name === "playing") this.#app.freeze();
    const { screen } = this.#app;
    if (mode === "gallery" ? screen.name !== "gallery" : screen.name !== "paused" || screen.isBusy) return;
    this.#mode = mode;
    this.#present = null;
    this.#hasChanged = false;
    if (mode === "edit") this.#preview.show(null);
    else this.#preview.hide();
    this.#box.open(WORDS[mode], mode !== "gallery");
    if (prompt) this.#box.write(prompt);
    this.#ready = this.#offer();
  }

  /** To be called when scenes may have become available, or unavailable. */
  lookAgain() {
    if (this.isOpen && !this.#running) this.#ready = this.#offer();
  }

  /** @param {ProgressMessage} push */
  progress({ step, fraction }) {
    if (this.#isMaking) this.#box.showProgress(phrase(`progress.${step}`), fraction);
  }

  /** To be called when the player leaves the world. */
  forget() {
    this.forgetChanges();
    this.#box.close();
  }

  /** To be called when the world starts over or is replaced: the new one has no changes. */
  forgetChanges() {
    this.#history.clear();
    this.#present = null;
  }

  /** @param {Date} moment that the world went back to */
  wentBackTo(moment) {
    this.#history.wentBackTo(moment);
  }

  #closed() {
    this.#running?.abort();
    this.#preview.hide();
    // If it was opened from the menu, return there, unless the world has changed and can be explored.
    if (this.#hasChanged || !this.#app.menu.isOpen) this.#app.resume();
  }

  /** Tell what is missing before anybody types in vain. If scenes are available, let the server load the models. */
  async #offer() {
    const { isOwner } = this.#library.identity;
    this.#box.setObstacle(obstacleOf(this.#library.health?.authoring), isOwner);
    try {
      const { authoring } = await this.#library.refreshHealth();
      this.#box.setObstacle(obstacleOf(authoring), isOwner);
      if (authoring.available && this.#mode !== "gallery") await this.#app.session?.wantScenes();
      return authoring.available;
    } catch (error) {
      this.#box.say(textOfFailure(error), "problem");
      return false;
    }
  }

  /** @param {string} prompt */
  async #make(prompt) {
    if (this.#running) return;
    if (!prompt) return this.#box.say(phrase("codes.authoringEmptyPrompt"), "problem");
    this.#running = new AbortController();
    this.#box.setBusy(true);
    this.#preview.setBusy(true);
    this.#box.say(phrase("authoring.sending"));
    try {
      // The obstacle that existed when the box was opened may be gone by now.
      const isReady = (await this.#ready) || (await (this.#ready = this.#offer()));
      this.#isMaking = isReady;
      if (isReady) await this.#fulfil(prompt, this.#running.signal);
    } catch (error) {
      const text = textOfFailure(error);
      const isCancelled = this.#running.signal.aborted;
      this.#log.write(isCancelled ? "info" : "error", text);
      this.#box.say(text, isCancelled ? "progress" : "problem");
    } finally {
      this.#running = null;
      this.#isMaking = false;
      this.#box.setBusy(false);
      this.#preview.setBusy(false);
    }
  }

  /**
   * @param {string} prompt
   * @param {AbortSignal} signal
   */
  async #fulfil(prompt, signal) {
    const { session } = this.#app;
    if (this.#mode === "gallery") {
      await this.#library.jobs.begin(prompt);
      this.#box.write("");
      this.#box.close();
    } else if (session) {
      await (this.#mode === "edit" ? this.#edit(session, prompt, signal) : this.#generate(session, prompt, signal));
    }
  }

  /**
   * @param {Session} session
   * @param {string} prompt
   * @param {AbortSignal} signal
   */
  async #edit(session, prompt, signal) {
    const moment = (this.#present ??= await this.#keepMoment(session));
    const made = await session.editScene(prompt, LIMIT_S, signal);
    if (session !== this.#app.session) return;
    this.#present = null;
    this.#hasChanged = true;
    const [before, after] = [made.original_jpeg_b64, made.preview_jpeg_b64].map((data) => `data:image/jpeg;base64,${data}`);
    const edit = { prompt, moment, madeAt: new Date(), before: before ?? "", after: after ?? "" };
    this.#history.add(edit);
    this.#log.write("info", `Changed: ${made.edit_prompt}`);
    this.#box.write("");
    if (!this.isOpen) return;
    this.#box.say(phrase("authoring.edited"));
    this.#preview.show(edit);
  }

  /** @param {Session} session */
  async #keepMoment(session) {
    const { moment_id, kept } = await session.takeMoment();
    this.#app.changes.kept(kept);
    return moment_id;
  }

  /**
   * @param {Session} session
   * @param {string} prompt
   * @param {AbortSignal} signal
   */
  async #generate(session, prompt, signal) {
    const { seed_hash } = await session.generateScene(prompt, LIMIT_S, signal);
    if (session !== this.#app.session) return;
    this.#app.changes.forget();
    this.#box.write("");
    const seed = await this.#library.find(seed_hash);
    if (session !== this.#app.session) return;
    if (seed) this.#app.setSeed(seed);
    this.#app.menu.close();
    this.#box.close();
  }

  /** @param {Edit} edit */
  async #takeBack(edit) {
    const { session } = this.#app;
    if (!session || this.#running) return;
    this.#running = new AbortController();
    this.#preview.setBusy(true);
    try {
      this.#app.changes.kept((await session.restoreMoment(edit.moment)).kept);
      this.#history.undone(edit);
      this.#present = edit.moment;
      this.#box.say(phrase("authoring.undone", { prompt: edit.prompt }));
      this.#preview.show(null);
      // The focused button may have been removed.
      this.#box.focus();
    } catch (error) {
      this.#box.say(textOfFailure(error), "problem");
    } finally {
      this.#running = null;
      this.#preview.setBusy(false);
    }
  }
}
