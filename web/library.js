// @ts-check
// What the server offers: pictures, models, and whether it checks pictures. Fills the gallery.

import { shortened } from "./authoring_texts.js";
import { RequestError } from "./connection.js";
import { byId } from "./dom.js";
import { EngineChoice } from "./engine_choice.js";
import { EnginePicker } from "./engine_picker.js";
import { Gallery } from "./gallery.js";
import { textOfError } from "./problems.js";
import { deleteSeed, fetchHealth, fetchModels, fetchSeeds, RestError } from "./rest.js";
import { safetyText } from "./safety_text.js";
import { SceneJobs } from "./scene_jobs.js";
import { faultText } from "./server_settings_texts.js";
import { phrase } from "./texts/texts.js";
import { toast } from "./toasts.js";
import { uploadSeed } from "./upload.js";

/** @import { Identity } from "./identity.js" */
/** @import { JobFeed } from "./job_feed.js" */
/** @import { Job } from "./jobs_rest.js" */
/** @import { Health, PickerModel, SeedSummary } from "./rest.js" */

const RETRY_MS = 3000;

/**
 * @typedef {object} LibraryListener
 * @property {(seed: SeedSummary) => void} onEnter
 * @property {(files: readonly File[]) => void} onFiles picked
 * @property {(prompt?: string) => void} onWords the person wants to make a place from a prompt, perhaps from this one
 * @property {(engine: string) => void} onGet the person wants an engine that has to be pulled first
 * @property {() => void} onSeeds the list of pictures has changed
 * @property {() => void} onLoaded everything is there
 * @property {() => void} onMustSignIn nothing can be loaded before
 * @property {(level: "info" | "warning" | "error", text: string) => void} onLog
 */

export class Library {
  /** @type {SeedSummary[]} */
  seeds = [];
  /** @type {PickerModel[]} */
  #models = [];
  /** @type {Health | null} */
  health = null;
  /** The jobs that make scenes for the gallery. */
  jobs;
  identity;
  #listener;
  #gallery;
  #fileInput = byId("file-input", HTMLInputElement);
  #choice = new EngineChoice(() => localStorage);
  #picker;

  /**
   * @param {JobFeed} feed
   * @param {Identity} identity
   * @param {LibraryListener} listener
   */
  constructor(feed, identity, listener) {
    this.identity = identity;
    this.#listener = listener;
    this.#picker = new EnginePicker((seed, engine) => this.#playIn(seed, engine), listener.onGet);
    this.#gallery = new Gallery({
      onEnter: listener.onEnter,
      onDelete: (seed) => void this.#remove(seed),
      onEngines: (seed) => this.chooseEngine(seed),
      engineOf: (seed) => this.#titleOf(this.engineFor(seed)),
      onPickFile: () => this.pickFile(),
      onWords: () => listener.onWords(),
    });
    this.jobs = new SceneJobs(feed, {
      onCards: (cards) => this.#gallery.showJobs(cards),
      onDone: (job, hadFocus) => this.#addScene(job, hadFocus),
      onAgain: (prompt) => listener.onWords(prompt),
      onProblem: (text) => this.#complain(text),
    });
    this.#fileInput.addEventListener("change", () => this.#picked());
  }

  /** Load everything; retries until the server answers. */
  async load() {
    try {
      await this.identity.refresh();
      if (this.identity.mustSignIn) return this.#listener.onMustSignIn();
      [this.seeds, this.#models, this.health] = await Promise.all([fetchSeeds(), fetchModels(), fetchHealth()]);
    } catch (error) {
      this.#gallery.notify(phrase("common.keepsTrying", { problem: describe(error) }));
      this.#listener.onLog("warning", describe(error));
      setTimeout(() => void this.load(), RETRY_MS);
      return;
    }
    this.#gallery.notify(null);
    this.#gallery.showEngines(this.#models.length > 1);
    this.#showSeeds();
    this.#showHealth(this.health);
    this.#listener.onLoaded();
  }

  /**
   * @returns {Promise<Health>} the present state
   * @throws {RestError}
   */
  async refreshHealth() {
    this.health = await fetchHealth();
    this.#showHealth(this.health);
    return this.health;
  }

  /** To be called when other engines can be played than before. */
  async refreshModels() {
    try {
      this.#models = await fetchModels();
      this.#gallery.showEngines(this.#models.length > 1);
    } catch (error) {
      this.#listener.onLog("warning", describe(error));
    }
  }

  /**
   * @param {SeedSummary} seed
   * @returns {string | null} the engine that was chosen for it, if the server has it; null for the server's choice
   */
  engineFor({ hash }) {
    const chosen = this.#choice.of(hash);
    return this.#models.some(({ id }) => id === chosen) ? chosen : null;
  }

  /**
   * @param {SeedSummary} seed
   * @returns {string} the engine that it would be played in now
   */
  engineOf(seed) {
    return this.engineFor(seed) ?? seed.model;
  }

  /** @param {string | null} engine */
  takesWords(engine) {
    return this.#models.some(({ id, takes_words }) => id === engine && takes_words);
  }

  /** @param {SeedSummary} seed to play in an engine that the person chooses */
  chooseEngine(seed) {
    this.#picker.open(seed, this.#models, this.engineOf(seed));
  }

  /** @param {string} hash */
  focus(hash) {
    this.#gallery.focus(hash);
  }

  /**
   * Find a seed that may be newer than the loaded list.
   *
   * @param {string} hash
   * @returns {Promise<SeedSummary | null>} null if the server cannot be reached or does not have it
   */
  async find(hash) {
    try {
      this.seeds = await fetchSeeds();
      this.#showSeeds();
    } catch (error) {
      this.#listener.onLog("warning", describe(error));
    }
    return this.seeds.find((seed) => seed.hash === hash) ?? null;
  }

  pickFile() {
    this.#fileInput.click();
  }

  /**
   * @param {File} file
   * @param {(fraction: number) => void} onProgress
   * @returns {Promise<SeedSummary>}
   */
  async add(file, onProgress) {
    const seed = await uploadSeed(file, onProgress);
    // Uploading the same picture again gives the same seed.
    const others = this.seeds.filter(({ hash }) => hash !== seed.hash);
    const firstUpload = others.findIndex(({ origin }) => origin === "uploaded");
    this.seeds = others.toSpliced(firstUpload < 0 ? others.length : firstUpload, 0, seed);
    this.#showSeeds();
    return seed;
  }

  /** @param {readonly File[]} files which are sent one after the other */
  async addToGallery(files) {
    this.#gallery.notify(null);
    for (const file of files) {
      this.#gallery.showUpload(0);
      try {
        const seed = await this.add(file, (fraction) => this.#gallery.showUpload(fraction));
        this.#gallery.focus(seed.hash);
      } catch (error) {
        this.#complain(describe(error));
      }
    }
    this.#gallery.showUpload(null);
  }

  /**
   * @param {Job} job that is done
   * @param {boolean} hadFocus whether its card, which is removed now, had the focus
   */
  async #addScene({ request, result }, hadFocus) {
    const hash = result?.seed_hash;
    if (!hash) return;
    await this.find(hash);
    if (hadFocus) this.#gallery.focus(hash);
    toast(phrase("gallery.added", { title: shortened(request.prompt ?? "") }));
  }

  #showSeeds() {
    this.#gallery.show(this.seeds);
    this.#listener.onSeeds();
  }

  /** @param {string} text */
  #complain(text) {
    this.#gallery.notify(text);
    this.#listener.onLog("error", text);
  }

  #picked() {
    const files = [...(this.#fileInput.files ?? [])];
    if (files.length > 0) this.#listener.onFiles(files);
    // So that the same file can be picked again.
    this.#fileInput.value = "";
  }

  /** @param {SeedSummary} seed */
  async #remove(seed) {
    try {
      await deleteSeed(seed.hash);
    } catch (error) {
      if (!(error instanceof RestError && error.status === 404)) return this.#gallery.notify(describe(error));
    }
    this.seeds = this.seeds.filter(({ hash }) => hash !== seed.hash);
    this.#showSeeds();
  }

  /**
   * @param {SeedSummary} seed
   * @param {string} engine
   */
  #playIn(seed, engine) {
    this.#choice.choose(seed.hash, engine === seed.model ? null : engine);
    this.#showSeeds();
    this.#listener.onEnter(seed);
  }

  /** @param {string | null} engine */
  #titleOf(engine) {
    const model = this.#models.find(({ id }) => id === engine);
    return model ? model.title || model.id : null;
  }

  /** @param {Health} health */
  #showHealth({ authoring, safety, version, settingsFault = null }) {
    this.#gallery.showWords(authoring.available, this.identity.isOwner);
    byId("settings-fault", HTMLElement).hidden = settingsFault === null || !this.identity.isOwner;
    byId("settings-fault-text", HTMLElement).textContent = settingsFault && faultText(settingsFault);
    byId("version-note", HTMLElement).textContent = `Terrarium ${version}`;
    byId("safety-note", HTMLElement).textContent = safetyText(safety);
  }
}

/** @param {unknown} error */
export function describe(error) {
  if (error instanceof RestError) return textOfError({ code: error.code ?? undefined, message: error.message });
  if (error instanceof RequestError) return textOfError({ code: error.code, id: error.errorId, message: error.message });
  return error instanceof Error ? error.message : String(error);
}
