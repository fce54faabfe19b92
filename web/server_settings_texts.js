// @ts-check
// Texts about the server's settings: titles, where a value comes from, when it applies, and what waits.

import { knownPhrase, phrase } from "./texts/texts.js";

/** @import { ServerSetting, ServerSettings, SettingsFault, SettingValue } from "./server_settings_rest.js" */

/**
 * @param {Pick<ServerSetting, "name" | "unit">} setting
 * @returns {string} the name as words, without the unit, which stands beside the field
 */
export function titleOfSetting({ name, unit }) {
  const words = name.split("_");
  const isMeasured = unit !== null && words.length > 1 && words.at(-1)?.toLowerCase() === unit.toLowerCase();
  const [first = "", ...rest] = (isMeasured ? words.slice(0, -1) : words).map((word) => knownPhrase("settingWords", word) ?? word);
  return [first.charAt(0).toUpperCase() + first.slice(1), ...rest].join(" ");
}

/**
 * @param {string} help of the server's help, which begins with a small letter and has no full stop
 * @returns {string}
 */
export function asSentence(help) {
  const text = help.charAt(0).toUpperCase() + help.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/**
 * @param {SettingValue} value
 * @param {string | null} unit
 * @returns {string}
 */
export function valueText(value, unit) {
  if (value === null || value === "") return phrase("serverSettings.none");
  if (typeof value === "boolean") return phrase(value ? "serverSettings.on" : "serverSettings.off");
  if (Array.isArray(value)) return value.length > 0 ? value.join(", ") : phrase("serverSettings.none");
  return typeof value === "number" && unit ? `${value} ${unit}` : String(value);
}

/** @param {ServerSetting} setting */
export function defaultText({ default: standard, defaultInWords, unit }) {
  return defaultInWords ?? valueText(standard, unit);
}

/**
 * @param {ServerSetting} setting
 * @returns {string} empty if it has none
 */
export function boundsText({ least, most }) {
  if (least !== null && most !== null) return phrase("serverSettings.between", { least, most });
  if (least !== null) return phrase("serverSettings.atLeast", { least });
  return most === null ? "" : phrase("serverSettings.atMost", { most });
}

/**
 * @param {ServerSetting} setting
 * @returns {string} where its value comes from, and the default where that is another
 */
export function sourceText(setting) {
  const { source, fixedBy, kind, isSet } = setting;
  const isGiven = source === "flag" || source === "variable";
  const fixed = fixedBy === null ? "" : phrase(isGiven ? "serverSettings.fixedBy" : "serverSettings.givenBy", { what: fixedBy });
  if (kind === "secret") return [phrase(isSet ? "serverSettings.set" : "serverSettings.notSet"), fixed].filter(Boolean).join(", ");
  const origin = isGiven ? "" : phrase(source === "file" ? "serverSettings.byFile" : "serverSettings.byDefault");
  const standard = source === "default" ? "" : phrase("serverSettings.otherDefault", { value: defaultText(setting) });
  const text = [origin, fixed, standard].filter(Boolean).join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {ServerSetting} setting */
export function appliesText({ applies, restartReason }) {
  const text = phrase(`settingApplies.${applies}`);
  return applies === "restart" && restartReason ? phrase("serverSettings.restartBecause", { applies: text, reason: restartReason }) : text;
}

/**
 * @param {ServerSetting} setting of which another value waits for a restart
 * @returns {string}
 */
export function pendingText({ kind, pending, value, unit, ...rest }) {
  if (kind === "secret") return phrase("serverSettings.secretPending");
  const next = pending === null ? defaultText({ kind, pending, value, unit, ...rest }) : valueText(pending, unit);
  return phrase("serverSettings.pending", { value: valueText(value, unit), next });
}

/** @param {ServerSettings} settings */
export function pendingNames({ groups }) {
  return groups.flatMap((group) => group.settings).filter(({ isPending }) => isPending).map(titleOfSetting);
}

/**
 * @param {readonly string[]} names of settings that wait for a restart
 * @returns {string} empty if there are none
 */
export function waitingText(names) {
  if (names.length === 0) return "";
  return phrase("serverSettings.waiting", { count: names.length, names: names.join(", ") });
}

/** @param {number} count of settings that were typed and not saved */
export function unsavedText(count) {
  return count === 0 ? phrase("serverSettings.allSaved") : phrase("serverSettings.unsaved", { count });
}

/**
 * @param {SettingsFault} fault
 * @returns {string}
 */
export function faultText({ file, line, reason }) {
  const where = [file, line === null ? "" : phrase("serverSettings.line", { line })].filter(Boolean).join(", ");
  // A reason may begin with the name of a setting, which has no capital letter.
  return phrase("serverSettings.fault", { where, reason: reason.replace(/\.$/, "") });
}

/** @param {number} count of settings that cannot be as they were typed */
export function refusedText(count) {
  return phrase("serverSettings.refused", { count });
}

/** @param {number} count of settings that a search has found */
export function foundText(count) {
  return count === 0 ? phrase("serverSettings.nothingFound") : phrase("serverSettings.foundCount", { count });
}

/**
 * @param {ServerSetting} setting
 * @param {string} group
 * @param {string} search words in any order
 */
export function isFound(setting, group, search) {
  const text = [titleOfSetting(setting), setting.name, setting.help, group].join(" ").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
