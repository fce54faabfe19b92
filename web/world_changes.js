// @ts-check
// Changes to the world in play: another picture, keeping and restoring moments, rewinding, another configuration.

import { RequestError } from "./connection.js";
import { describe } from "./library.js";
import { Moments } from "./moments.js";
import { textOfError } from "./problems.js";
import { originOf } from "./session.js";
import { phrase } from "./texts/texts.js";
import { toast } from "./toasts.js";
import { rewoundText } from "./world_texts.js";
import { WorldWords } from "./world_words.js";

/** @import { App } from "./app.js" */
/** @import { Library } from "./library.js" */
/** @import { LogBook } from "./log_book.js" */
/** @import { ErrorMessage, LogMessage, SessionConfig, WarningMessage } from "./protocol.generated.d.ts" */
/** @import { SeedSummary } from "./rest.js" */
/** @import { Session } from "./session.js" */

const THUMBNAIL_PX = 240;
const REWIND_S = 5;

export class WorldChanges {
  #app;
  #library;
  #log;
  #isRewinding = false;
  #moments = new Moments(
    (id) => void this.restore(id),
    (id) => void this.save(id),
  );

  #words = new WorldWords((words) => void this.say(words));

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

  /** @param {SeedSummary} seed */
  async changeSeed(seed) {
    this.#app.menu.notify(phrase(seed.world_id === undefined ? "play.openingPicture" : "play.openingWorld"), "progress");
    const done = await this.#ask((session) => session.changeWorld(originOf(seed), this.#library.engineFor(seed)));
    if (!done) return;
    // Moments belong to the world in which they were taken.
    this.forget();
    this.#app.authoring.forgetChanges();
    this.#app.setSeed(seed);
    this.#app.resume();
  }

  /** @param {File} file */
  async upload(file) {
    try {
      const seed = await this.#library.add(file, (fraction) => {
        this.#app.menu.notify(phrase("play.sendingPicture", { percent: Math.round(fraction * 100) }), "progress");
      });
      await this.changeSeed(seed);
    } catch (error) {
      this.#app.menu.notify(describe(error));
    }
  }

  async take() {
    const picture = await this.#app.surface.thumbnail(THUMBNAIL_PX);
    const done = await this.#ask(async (session) => {
      const { moment_id, kept } = await session.takeMoment();
      this.#moments.add({ id: moment_id, takenAt: new Date(), picture }, kept);
    });
    if (!done) URL.revokeObjectURL(picture);
  }

  /** @param {string} momentId */
  async restore(momentId) {
    const moment = this.#moments.timeOf(momentId);
    const done = await this.#ask(async (session) => this.kept((await session.restoreMoment(momentId)).kept));
    if (!done) return;
    if (moment) this.#app.authoring.wentBackTo(moment);
    this.#app.resume();
  }

  /** @param {string} [momentId] a kept moment to save as a world; the present one if absent */
  async save(momentId) {
    let title = "";
    const done = await this.#ask(async (session) => {
      title = (await session.saveWorld(this.#app.placeTitle, momentId)).title;
    });
    if (!done) return;
    this.#log.write("info", `Saved as “${title}”`);
    this.#app.menu.notify(phrase("play.saved", { title }), "progress");
  }

  /** The menu shows what can be done to the world in play. */
  show() {
    this.#words.show(this.#library.takesWords(this.#app.session?.model ?? null));
  }

  /** @param {string} words that steer the world from now on; empty: none */
  async say(words) {
    const done = await this.#ask(async (session) => void (await session.setPrompt(words)));
    if (!done) return;
    this.#log.write("info", words ? `The world hears: ${words}` : "The world hears no words any more");
    this.#app.resume();
  }

  /** Rewind. If the menu is open, it closes and play goes on at that moment. */
  async rewind() {
    const { session, screen } = this.#app;
    if (screen.name === "playing" && session && !this.#isRewinding) {
      this.#isRewinding = true;
      try {
        await this.#rewindBy(session);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        toast(textOfError({ code: error.code, id: error.errorId, message: error.message }), "info");
      } finally {
        this.#isRewinding = false;
      }
    } else if (await this.#ask((paused) => this.#rewindBy(paused))) this.#app.resume();
  }

  /** @param {Session} session */
  async #rewindBy(session) {
    const { went_back_s, left_s } = await session.rewind(REWIND_S);
    toast(rewoundText(went_back_s, left_s), "info");
  }

  /** @param {SessionConfig} config */
  async changeConfig(config) {
    await this.#ask((session) => session.changeConfig(config));
  }

  /** @param {ErrorMessage | WarningMessage | LogMessage} push */
  tell(push) {
    if (push.type === "log") return this.#log.receive(push);
    const text = textOfError({ code: push.code, id: push.message_id, message: push.message });
    this.#log.write(push.type, text);
    this.notice(text, push.type === "error" ? "error" : "info");
  }

  /**
   * @param {string} text about the world in play
   * @param {"error" | "info"} kind
   */
  notice(text, kind) {
    if (this.#app.screen.name === "playing") toast(text, kind);
    if (this.#app.screen.name === "paused") this.#app.menu.notify(text);
  }

  /** @param {readonly string[]} kept the moments that the server still has */
  kept(kept) {
    this.#moments.keep(kept);
  }

  /** To be called when the world is left or replaced, because its moments and words are gone then. */
  forget() {
    this.#moments.keep([]);
    this.#words.forget();
  }

  /**
   * @param {(session: Session) => Promise<void>} request
   * @returns {Promise<boolean>} true if it succeeded and the world still exists
   */
  async #ask(request) {
    const { session } = this.#app;
    if (!session || this.#app.screen.name !== "paused" || this.#app.screen.isBusy) return false;
    this.#app.setBusy(true);
    try {
      await request(session);
      this.#app.menu.notify(null);
      return session === this.#app.session;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const text = textOfError({ code: error.code, id: error.errorId, message: error.message });
      this.#log.write("error", text);
      this.#app.menu.notify(text);
      return false;
    } finally {
      if (session === this.#app.session) this.#app.setBusy(false);
    }
  }
}
