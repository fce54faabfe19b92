// @ts-check
// The Models view: the models that this server can play, pulled, loaded, measured and deleted.

import { byId } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { justEnded } from "./job_list.js";
import { cancelJob, submitJob } from "./jobs_rest.js";
import { describe } from "./library.js";
import { ModelCard } from "./model_card.js";
import { liveJob } from "./model_state.js";
import { diskText, newsText } from "./model_texts.js";
import { deleteModel, fetchModelLibrary, loadModel, unloadModel } from "./models_rest.js";
import { phrase } from "./texts/texts.js";

/** @import { Identity } from "./identity.js" */
/** @import { JobFeed } from "./job_feed.js" */
/** @import { Jobs } from "./job_list.js" */
/** @import { ModelAction } from "./model_state.js" */
/** @import { LibraryModel, ModelLibrary } from "./models_rest.js" */

const PULL = "model";
const BENCHMARK = "benchmark";
/** No event tells when a model is loaded or unloaded. */
const LOOK_AGAIN_MS = 1000;

export class Models {
  #feed;
  #identity;
  #onChanged;
  #dialog = byId("models", HTMLDialogElement);
  #list = byId("model-list", HTMLUListElement);
  #notice = byId("models-notice", HTMLElement);
  #news = byId("models-news", HTMLElement);
  /** @type {Map<string, ModelCard>} */
  #cards = new Map();
  /** @type {ModelLibrary | null} */
  #library = null;
  /** The models that are being unloaded, which are still loaded for a while. @type {Set<string>} */
  #leaving = new Set();
  #timer = 0;

  /**
   * @param {JobFeed} feed
   * @param {Identity} identity
   * @param {() => void} onChanged other models can be played than before
   */
  constructor(feed, identity, onChanged) {
    this.#feed = feed;
    this.#identity = identity;
    this.#onChanged = onChanged;
    feed.listen({ onJobs: (before, after) => this.#learn(before, after) });
    keepFocusInside(this.#dialog);
    this.#dialog.addEventListener("close", () => {
      clearTimeout(this.#timer);
      this.#leaving.clear();
      feed.follow("models", false);
    });
  }

  /** @param {string} [near] id of a model to go to */
  open(near) {
    this.#notify(null);
    this.#news.textContent = "";
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#feed.follow("models", true);
    void this.#load().then(() => near !== undefined && this.#cards.get(near)?.focus());
  }

  close() {
    this.#dialog.close();
  }

  refresh() {
    if (this.#dialog.open) void this.#load();
  }

  async #load() {
    clearTimeout(this.#timer);
    try {
      const library = await fetchModelLibrary();
      this.#announce(library.models);
      this.#library = library;
    } catch (error) {
      return this.#notify(describe(error));
    }
    this.#show();
    if (!this.#dialog.open || !this.#isChanging(this.#library)) return;
    this.#timer = window.setTimeout(() => void this.#load(), LOOK_AGAIN_MS);
  }

  /**
   * @param {ModelLibrary} library
   * @returns {boolean} whether a model is on its way into memory or out of it
   */
  #isChanging({ models }) {
    const inMemory = models.filter(({ state }) => state.kind === "loaded" || state.kind === "parked");
    const ids = new Set(inMemory.map(({ id }) => id));
    for (const id of this.#leaving) if (!ids.has(id)) this.#leaving.delete(id);
    return this.#leaving.size > 0 || models.some(({ state }) => state.kind === "loading");
  }

  /** @param {readonly LibraryModel[]} models as they are now */
  #announce(models) {
    const before = new Map(this.#library?.models.map((model) => [model.id, model.state.kind]));
    const changed = models.filter(({ id, state }) => before.has(id) && before.get(id) !== state.kind);
    if (changed.length === 0) return;
    this.#news.textContent = changed.map(newsText).join(". ");
    this.#onChanged();
  }

  /**
   * @param {Jobs | null} before
   * @param {Jobs} after
   */
  #learn(before, after) {
    if (!this.#dialog.open) return;
    this.#show();
    const ended = justEnded(before, after).filter(({ kind }) => kind === PULL || kind === BENCHMARK);
    const failed = ended.findLast(({ state }) => state === "failed");
    if (failed) this.#notify(failed.fault?.message ?? null);
    if (ended.length > 0) void this.#load();
  }

  #show() {
    if (!this.#library) return;
    const { models, disk_free_bytes } = this.#library;
    const { isOwner } = this.#identity;
    byId("models-disk", HTMLElement).textContent = diskText(disk_free_bytes);
    byId("models-owner", HTMLElement).textContent = isOwner ? "" : phrase("models.mustBeOwner");
    for (const model of models) {
      const card = this.#cards.get(model.id) ?? this.#newCard(model.id);
      const [pull, benchmark] = [PULL, BENCHMARK].map((kind) => liveJob(this.#feed.jobs, kind, model.id));
      card.show(model, { pull: pull ?? null, benchmark: benchmark ?? null }, isOwner);
    }
    for (const [id, card] of this.#cards) if (!models.some((model) => model.id === id)) this.#drop(id, card);
    const elements = models.flatMap(({ id }) => this.#cards.get(id)?.element ?? []);
    const isSame = elements.every((element, index) => this.#list.children[index] === element);
    // Cards that stay keep the focus.
    if (!isSame) this.#list.replaceChildren(...elements);
  }

  /** @param {string} id */
  #newCard(id) {
    const card = new ModelCard((action, quant) => void this.#act(id, action, quant));
    this.#cards.set(id, card);
    return card;
  }

  /**
   * @param {string} id
   * @param {ModelCard} card
   */
  #drop(id, card) {
    if (card.hasFocus) byId("models-close", HTMLElement).focus();
    card.element.remove();
    this.#cards.delete(id);
  }

  /**
   * @param {string} id
   * @param {ModelAction} action
   * @param {string} quant
   */
  async #act(id, action, quant) {
    this.#notify(null);
    try {
      await this.#do(id, action, quant);
    } catch (error) {
      this.#notify(describe(error));
    }
    await this.#load();
  }

  /**
   * @param {string} id
   * @param {ModelAction} action
   * @param {string} quant
   */
  async #do(id, action, quant) {
    switch (action) {
      case "pull":
      case "resume":
      case "pullAgain":
        return this.#feed.learn(await submitJob(PULL, { model: id }));
      case "cancel":
        return this.#cancel(id);
      case "benchmark":
        return this.#feed.learn(await submitJob(BENCHMARK, { model: id }));
      case "load":
      case "loadAnyway":
        return loadModel(id, quant, action === "loadAnyway");
      case "unload":
        await unloadModel(id);
        this.#leaving.add(id);
        return;
      case "delete":
        return deleteModel(id);
    }
  }

  /** @param {string} id of a model that is pulled */
  async #cancel(id) {
    const state = this.#library?.models.find((model) => model.id === id)?.state;
    const job = liveJob(this.#feed.jobs, PULL, id)?.id ?? state?.job_id;
    if (job) this.#feed.learn(await cancelJob(job));
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    if (text !== null) this.#notice.scrollIntoView({ block: "nearest" });
  }
}
