// @ts-check
// The REST resource of the server's settings. What one person sets for this browser alone is in settings.js.

import { request, send } from "./rest.js";

/** @typedef {"integer" | "number" | "switch" | "choice" | "text" | "list" | "secret"} SettingKind */
/** @typedef {boolean | number | string | readonly string[] | null} SettingValue null stands for the default */

/**
 * @typedef {object} ServerSetting
 * @property {string} name also its key in the file
 * @property {string} help
 * @property {SettingKind} kind
 * @property {readonly string[] | null} choices
 * @property {number | null} least
 * @property {number | null} most
 * @property {string | null} unit
 * @property {SettingValue} value that the server uses now; null for a secret
 * @property {SettingValue} default
 * @property {string | null} defaultInWords where `default` does not say it
 * @property {boolean} isSet whether a secret is known
 * @property {"default" | "file" | "variable" | "flag"} source
 * @property {string | null} fixedBy the variable or flag that alone decides: what it is given by, or can be given by
 * @property {"live" | "nextSession" | "nextJob" | "restart"} applies
 * @property {string | null} restartReason
 * @property {boolean} isPending whether the file has another value, for which a restart is needed
 * @property {SettingValue} pending that value
 */

/** @typedef {{ file: string, line: number | null, reason: string }} SettingsFault */
/** @typedef {{ title: string, settings: readonly ServerSetting[] }} SettingsGroup */

/**
 * @typedef {object} ServerSettings
 * @property {string} revision
 * @property {string} file path on the server
 * @property {SettingsFault | null} fault why the file cannot be used; the server goes on with the last good settings
 * @property {readonly SettingsGroup[]} groups
 */

/** @typedef {Readonly<Record<string, SettingValue>>} SettingChanges by name */

const PATH = "/api/settings";

/**
 * @returns {Promise<ServerSettings>}
 * @throws {RestError}
 */
export async function fetchServerSettings() {
  return (await request(PATH)).json();
}

/**
 * @param {SettingChanges} changes
 * @param {string} revision that they were made for
 * @returns {Promise<ServerSettings>}
 * @throws {RestError} status 412: somebody else has changed the settings; 422: its `faults` say what is wrong
 */
export async function changeServerSettings(changes, revision) {
  return (await send(PATH, "PATCH", { changes }, { "if-match": `"${revision}"` })).json();
}

/**
 * Have the server read its file again.
 *
 * @returns {Promise<ServerSettings>}
 * @throws {RestError}
 */
export async function reloadServerSettings() {
  return (await request(`${PATH}/reload`, { method: "POST" })).json();
}
