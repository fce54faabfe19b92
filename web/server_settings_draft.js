// @ts-check
// What a person has typed into the settings view, and has not saved yet. It outlives changes that others make.

/** @import { ServerSetting, ServerSettings, SettingChanges, SettingValue } from "./server_settings_rest.js" */

export class ServerSettingsDraft {
  /** @type {ReadonlyMap<string, ServerSetting>} */
  #settings = new Map();
  /** @type {Map<string, SettingValue>} */
  #typed = new Map();
  /** What is wrong where something was typed that is no value. @type {Map<string, string>} */
  #unreadable = new Map();
  /** What the server has found wrong, also with settings that were not typed here. @type {Map<string, string>} */
  #faults = new Map();
  /** Settings that others have changed since they were typed here. @type {Set<string>} */
  #overtaken = new Set();

  /** @param {ServerSettings} settings as the server tells them; what was typed stays */
  learn({ groups }) {
    const before = this.#settings;
    this.#settings = new Map(groups.flatMap(({ settings }) => settings).map((setting) => [setting.name, setting]));
    for (const [name, typed] of this.#typed) {
      const setting = this.#settings.get(name);
      const known = before.get(name);
      if (!setting || !isOpenToChange(setting) || !differs(setting, typed)) this.forget(name);
      else if (known && !isSame(inFile(known), inFile(setting))) this.#overtaken.add(name);
    }
  }

  /**
   * @param {string} name
   * @param {SettingValue} value null for the default
   */
  type(name, value) {
    const setting = this.#settings.get(name);
    if (!setting || !differs(setting, value)) return this.forget(name);
    this.#unreadable.delete(name);
    this.#faults.delete(name);
    this.#typed.set(name, value);
  }

  /**
   * @param {string} name
   * @param {string} fault of what was typed, which is no value at all
   */
  refuse(name, fault) {
    this.#typed.delete(name);
    this.#unreadable.set(name, fault);
  }

  /** @param {Readonly<Record<string, string>>} faults that the server has found, by name */
  blame(faults) {
    this.#faults = new Map(Object.entries(faults));
  }

  /** @param {string} name */
  forget(name) {
    this.#typed.delete(name);
    this.#unreadable.delete(name);
    this.#faults.delete(name);
    this.#overtaken.delete(name);
  }

  clear() {
    this.#typed.clear();
    this.#unreadable.clear();
    this.#faults.clear();
    this.#overtaken.clear();
  }

  /** @returns {SettingChanges} */
  get changes() {
    return Object.fromEntries(this.#typed);
  }

  /** The number of settings that were typed, including those that are no value. */
  get size() {
    return this.#typed.size + this.#unreadable.size;
  }

  /** Whether everything that was typed can be sent. */
  get isReadable() {
    return this.#unreadable.size === 0;
  }

  /** The first setting with a fault, in the order of the view. @returns {string | null} */
  get firstFaulty() {
    return [...this.#settings.keys()].find((name) => this.faultOf(name) !== null) ?? null;
  }

  /** @param {string} name */
  faultOf(name) {
    return this.#unreadable.get(name) ?? this.#faults.get(name) ?? null;
  }

  /** @param {string} name */
  isTyped(name) {
    return this.#typed.has(name) || this.isUnreadable(name);
  }

  /** @param {string} name */
  isUnreadable(name) {
    return this.#unreadable.has(name);
  }

  /** @param {string} name */
  isOvertaken(name) {
    return this.#overtaken.has(name);
  }

  /**
   * @param {ServerSetting} setting
   * @returns {SettingValue} to show in its field; null for an empty one
   */
  valueOf(setting) {
    const typed = this.#typed.get(setting.name);
    return typed === undefined ? inFile(setting) : typed;
  }
}

/**
 * @param {ServerSetting} setting
 * @returns {boolean} whether the page can change it
 */
export function isOpenToChange({ fixedBy }) {
  return fixedBy === null;
}

/**
 * @param {ServerSetting} setting
 * @returns {boolean} whether the default is what the file leads to
 */
export function isAtDefault({ kind, source, isPending, pending, isSet }) {
  if (kind === "secret") return !isSet;
  return isPending ? pending === null : source === "default";
}

/**
 * @param {ServerSetting} setting
 * @returns {SettingValue} what it will be with the file as it is: after a restart, if it waits for one
 */
function inFile({ value, isPending, pending, default: standard }) {
  return isPending ? (pending ?? standard) : value;
}

/**
 * @param {ServerSetting} setting
 * @param {SettingValue} typed
 */
function differs(setting, typed) {
  if (typed === null) return !isAtDefault(setting);
  return setting.kind === "secret" || !isSame(typed, inFile(setting));
}

/**
 * @param {SettingValue} one
 * @param {SettingValue} other
 */
function isSame(one, other) {
  // A choice between numbers is sent as text.
  const [left, right] = [one, other].map((value) => (Array.isArray(value) ? JSON.stringify(value) : String(value)));
  return left === right;
}
