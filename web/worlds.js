// @ts-check
// The dialog of saved worlds: open, film, download, rename, delete, and upload one.

import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { submitJob } from "./jobs_rest.js";
import { describe } from "./library.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";
import { filmBegunText, longFacts, shortFacts } from "./world_texts.js";
import { deleteWorld, fetchWorlds, renameWorld, uploadWorld } from "./worlds_rest.js";

/** @import { JobFeed } from "./job_feed.js" */
/** @import { SavedWorld } from "./worlds_rest.js" */

export class Worlds {
  #dialog = byId("worlds", HTMLDialogElement);
  #list = byId("world-list", HTMLUListElement);
  #notice = byId("worlds-notice", HTMLElement);
  #filmed = byId("worlds-filmed", HTMLElement);
  #fileInput = byId("world-file-input", HTMLInputElement);
  /** @type {Set<string>} worlds whose films are being asked for */
  #asking = new Set();
  #onOpen;
  #feed;

  /**
   * @param {(world: SavedWorld) => void} onOpen
   * @param {JobFeed} feed that learns of the films
   */
  constructor(onOpen, feed) {
    keepFocusInside(this.#dialog);
    this.#onOpen = onOpen;
    this.#feed = feed;
    byId("world-file-button", HTMLButtonElement).addEventListener("click", () => this.#fileInput.click());
    this.#fileInput.addEventListener("change", () => this.#picked());
  }

  open() {
    this.#notify(null);
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#load();
  }

  close() {
    this.#dialog.close();
  }

  refresh() {
    if (this.#dialog.open) void this.#load();
  }

  /** @param {File} file of a world, which is added and entered */
  receive(file) {
    this.open();
    void this.#upload(file);
  }

  async #load() {
    try {
      this.#show(await fetchWorlds());
    } catch (error) {
      this.#notify(describe(error));
    }
  }

  /** @param {readonly SavedWorld[]} worlds */
  #show(worlds) {
    byId("worlds-empty", HTMLElement).hidden = worlds.length > 0;
    this.#list.replaceChildren(...worlds.map((world) => this.#item(world)));
  }

  /** @param {SavedWorld} world */
  #item(world) {
    const caption = make("span", {
      className: "recording-caption",
      children: [make("strong", { text: world.title }), make("span", { text: shortFacts(world) })],
    });
    const picture = make("img", { alt: "", src: world.thumbnail_url, width: 16, height: 9, decoding: "async" });
    const onclick = () => this.#enter(world);
    const card = make("button", { className: "recording-card", type: "button", title: longFacts(world), onclick });
    card.append(picture, caption);
    card.dataset.testid = "world-card";
    card.dataset.id = world.id;
    return make("li", { className: "world-item", children: [card, this.#tools(world)] });
  }

  /** @param {SavedWorld} world */
  #tools(world) {
    const download = make("a", { className: "button is-quiet", href: world.file_url, download: "", text: phrase("common.download") });
    download.dataset.testid = "world-download";
    const tools = make("p", { className: "world-tools", children: [download] });
    tools.append(
      this.#tool(phrase("worlds.makeFilm"), "world-film", world, () => void this.#film(world)),
      this.#tool(phrase("common.rename"), "world-rename", world, () => this.#askForName(world, tools)),
      sureButton({
        text: phrase("common.delete"),
        sureText: phrase("common.deleteForGood"),
        about: world.title,
        testId: "world-delete",
        onSure: () => void this.#change(() => deleteWorld(world.id)),
      }),
    );
    return tools;
  }

  /**
   * @param {string} text
   * @param {string} testId
   * @param {SavedWorld} world
   * @param {() => void} onclick
   */
  #tool(text, testId, world, onclick) {
    const ariaLabel = phrase("common.about", { what: text, about: world.title });
    const button = make("button", { className: "button is-quiet", type: "button", text, ariaLabel, onclick });
    button.dataset.testid = testId;
    return button;
  }

  /** @param {SavedWorld} world */
  async #film({ id, title }) {
    if (this.#asking.has(id)) return;
    this.#asking.add(id);
    this.#notify(null);
    try {
      this.#feed.learn(await submitJob("replay_film", { world_id: id }));
      this.#filmed.hidden = false;
      byId("worlds-filmed-text", HTMLElement).textContent = filmBegunText(title);
      this.#filmed.scrollIntoView({ block: "nearest" });
    } catch (error) {
      this.#notify(describe(error));
    } finally {
      this.#asking.delete(id);
    }
  }

  /** @param {SavedWorld} world */
  #enter(world) {
    this.close();
    this.#onOpen(world);
  }

  /**
   * @param {SavedWorld} world
   * @param {HTMLElement} tools that a text field replaces
   */
  #askForName(world, tools) {
    const name = make("input", { type: "text", value: world.title, maxLength: 80, required: true, ariaLabel: phrase("common.newName") });
    name.dataset.testid = "world-new-name";
    const form = make("form", {
      className: "world-tools",
      children: [name, make("button", { className: "button", text: phrase("common.saveName") })],
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#change(() => renameWorld(world.id, name.value));
    });
    tools.replaceWith(form);
    name.select();
  }

  /** @param {() => Promise<unknown>} change */
  async #change(change) {
    this.#notify(null);
    try {
      await change();
    } catch (error) {
      this.#notify(describe(error));
    }
    await this.#load();
  }

  #picked() {
    const file = this.#fileInput.files?.[0];
    // So that the same file can be picked again.
    this.#fileInput.value = "";
    if (file) void this.#upload(file);
  }

  /** @param {File} file */
  async #upload(file) {
    this.#notify(phrase("worlds.sending"), "progress");
    try {
      const world = await uploadWorld(file, (fraction) => {
        const percent = Math.round(fraction * 100);
        this.#notify(fraction < 1 ? phrase("worlds.sendingShare", { percent }) : phrase("worlds.checking"), "progress");
      });
      this.#enter(world);
    } catch (error) {
      this.#notify(describe(error));
    }
  }

  /**
   * @param {string | null} text
   * @param {"problem" | "progress"} kind
   */
  #notify(text, kind = "problem") {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    this.#notice.dataset.kind = kind;
    this.#filmed.hidden = true;
  }
}
