// @ts-check
// The dialog of the server's settings, which is made from what the server says of them.

import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { describe } from "./library.js";
import { RestError } from "./rest.js";
import { ServerSettingRow } from "./server_setting_row.js";
import { ServerSettingsDraft } from "./server_settings_draft.js";
import { changeServerSettings, fetchServerSettings, reloadServerSettings } from "./server_settings_rest.js";
import { faultText, foundText, isFound, pendingNames, refusedText, unsavedText, waitingText } from "./server_settings_texts.js";
import { phrase } from "./texts/texts.js";
import { toast } from "./toasts.js";

/** @import { ServerSettings as Settings, SettingsGroup } from "./server_settings_rest.js" */

const STALE = 412;

export class ServerSettings {
  #dialog = byId("server-settings", HTMLDialogElement);
  #form = byId("server-settings-form", HTMLFormElement);
  #groups = byId("server-settings-groups", HTMLElement);
  #search = byId("server-settings-search", HTMLInputElement);
  #found = byId("server-settings-found", HTMLElement);
  #notice = byId("server-settings-notice", HTMLElement);
  #waiting = byId("server-settings-waiting", HTMLElement);
  #fault = byId("server-settings-fault", HTMLElement);
  #status = byId("server-settings-status", HTMLElement);
  #save = byId("server-settings-save", HTMLButtonElement);
  #discard = byId("server-settings-discard", HTMLButtonElement);
  #draft = new ServerSettingsDraft();
  /** @type {Map<string, ServerSettingRow>} */
  #rows = new Map();
  /** @type {Settings | null} */
  #settings = null;
  #isBusy = false;
  /** @type {Promise<void>} */
  #turns = Promise.resolve();
  #onChanged;

  /** @param {() => void} onChanged the server has other settings, or a file with or without a fault */
  constructor(onChanged) {
    this.#onChanged = onChanged;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#saveChanges();
    });
    keepFocusInside(this.#dialog);
    this.#search.addEventListener("input", () => this.#filter());
    this.#search.addEventListener("keydown", (event) => {
      // The search is no value to be saved.
      if (event.key === "Enter") event.preventDefault();
    });
    this.#discard.addEventListener("click", () => this.#discardChanges());
    byId("server-settings-reload", HTMLButtonElement).addEventListener("click", () => void this.#readFileAgain());
    this.#dialog.addEventListener("close", () => this.#closed());
    // The file may have been changed in an editor meanwhile.
    window.addEventListener("focus", () => this.refresh());
  }

  /** @param {string} [near] name of a setting: show its group, and focus it */
  open(near) {
    this.#notify(null);
    this.#search.value = "";
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#load(near);
  }

  close() {
    this.#dialog.close();
  }

  refresh() {
    if (this.#dialog.open && !this.#isBusy) void this.#load();
  }

  /** @param {string} [near] */
  async #load(near) {
    await this.#attempt(async () => this.#learn(await fetchServerSettings()));
    const group = this.#settings?.groups.find(({ settings }) => settings.some(({ name }) => name === near));
    if (near === undefined || !group) return;
    this.#search.value = group.title;
    this.#filter();
    this.#rows.get(near)?.focus();
  }

  async #saveChanges() {
    if (!this.#settings || !this.#draft.isReadable) return this.#focusFault();
    await this.#attempt(async () => {
      const { changes } = this.#draft;
      if (!this.#settings || Object.keys(changes).length === 0) return;
      const settings = await changeServerSettings(changes, this.#settings.revision);
      this.#draft.clear();
      this.#learn(settings);
      this.#status.textContent = phrase("serverSettings.saved");
      this.#onChanged();
    });
  }

  async #readFileAgain() {
    await this.#attempt(async () => this.#learn(await reloadServerSettings()));
    this.#onChanged();
  }

  #discardChanges() {
    this.#draft.clear();
    for (const row of this.#rows.values()) row.showField();
    this.#notify(null);
    this.#showUnsaved();
    this.#search.focus();
  }

  /**
   * What is asked for while something is under way has its turn afterwards.
   *
   * @param {() => Promise<void>} work that asks the server for something
   */
  #attempt(work) {
    const turn = this.#turns.then(() => this.#run(work));
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  /** @param {() => Promise<void>} work */
  async #run(work) {
    this.#isBusy = true;
    this.#form.ariaBusy = "true";
    this.#notify(null);
    try {
      await work();
    } catch (error) {
      await this.#failed(error);
    } finally {
      this.#isBusy = false;
      this.#form.ariaBusy = "false";
    }
  }

  /** @param {unknown} error */
  async #failed(error) {
    if (!(error instanceof RestError)) throw error;
    if (error.status === STALE) return this.#catchUp();
    const count = Object.keys(error.faults).length;
    this.#notify(count > 0 ? refusedText(count) : describe(error));
    if (count === 0) return;
    this.#draft.blame(error.faults);
    for (const row of this.#rows.values()) row.showState();
    this.#focusFault();
  }

  async #catchUp() {
    try {
      this.#learn(await fetchServerSettings());
      this.#notify(phrase("serverSettings.overtaken"));
    } catch (error) {
      this.#notify(describe(error));
    }
  }

  /** @param {Settings} settings */
  #learn(settings) {
    this.#settings = settings;
    this.#draft.learn(settings);
    this.#place(settings.groups);
    byId("server-settings-file", HTMLElement).textContent = settings.file;
    const waiting = waitingText(pendingNames(settings));
    this.#waiting.textContent = waiting;
    this.#waiting.hidden = waiting === "";
    this.#fault.hidden = settings.fault === null;
    byId("server-settings-fault-text", HTMLElement).textContent =
      settings.fault && faultText(settings.fault);
    this.#filter();
    this.#showUnsaved();
  }

  /**
   * Rows that are there already stay, so that they keep the focus.
   *
   * @param {readonly SettingsGroup[]} groups
   */
  #place(groups) {
    const all = groups.flatMap(({ settings }) => settings);
    const isSame = all.length === this.#rows.size && all.every((one) => this.#rows.get(one.name)?.learn(one));
    if (isSame) return;
    this.#rows = new Map(
      all.map((setting) => [setting.name, new ServerSettingRow(setting, this.#draft, () => this.#showUnsaved())]),
    );
    this.#groups.replaceChildren(...groups.map((group) => this.#section(group)));
    for (const row of this.#rows.values()) row.showField();
  }

  /** @param {SettingsGroup} group */
  #section({ title, settings }) {
    const rows = settings.flatMap(({ name }) => this.#rows.get(name)?.element ?? []);
    const heading = title.charAt(0).toUpperCase() + title.slice(1);
    const list = make("ul", { className: "setting-rows", children: rows, ariaLabel: heading });
    return make("section", { className: "setting-group", children: [make("h3", { text: heading }), list] });
  }

  #filter() {
    const search = this.#search.value.trim();
    let count = 0;
    for (const [index, { title, settings }] of (this.#settings?.groups ?? []).entries()) {
      const found = settings.filter((setting) => isFound(setting, title, search));
      for (const setting of settings) {
        const row = this.#rows.get(setting.name);
        if (row) row.element.hidden = !found.includes(setting);
      }
      const section = this.#groups.children[index];
      if (section instanceof HTMLElement) section.hidden = found.length === 0;
      count += found.length;
    }
    this.#found.textContent = search === "" ? "" : foundText(count);
  }

  #showUnsaved() {
    const { size } = this.#draft;
    const text = unsavedText(size);
    if (this.#status.textContent !== text) this.#status.textContent = text;
    // Disabled buttons would lose the focus.
    this.#save.ariaDisabled = String(size === 0);
    if (size === 0 && document.activeElement === this.#discard) this.#search.focus();
    this.#discard.hidden = size === 0;
  }

  #focusFault() {
    const name = this.#draft.firstFaulty;
    if (name === null) return;
    this.#search.value = "";
    this.#filter();
    this.#rows.get(name)?.focus();
  }

  #closed() {
    const { size } = this.#draft;
    if (size > 0) toast(phrase("serverSettings.stillTyped", { unsaved: unsavedText(size) }));
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    if (text !== null) this.#notice.scrollIntoView({ block: "nearest" });
  }
}
