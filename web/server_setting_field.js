// @ts-check
// The field of one of the server's settings, by its kind.

import { make } from "./dom.js";
import { defaultText, valueText } from "./server_settings_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { ServerSetting, SettingValue } from "./server_settings_rest.js" */

/** @typedef {{ value: SettingValue } | { fault: string } | { isUntouched: true }} Reading a null value: the default */

/**
 * @typedef {object} SettingField
 * @property {HTMLElement} element whose events `input` tell of changes
 * @property {HTMLElement} [control] what gets the focus, where that is not the element itself
 * @property {() => Reading} read
 * @property {(value: SettingValue) => void} write null shows that it is empty, where the default says nothing
 */

/**
 * @param {ServerSetting} setting
 * @returns {SettingField}
 */
export function fieldOf(setting) {
  switch (setting.kind) {
    case "switch":
      return switchField();
    case "choice":
      return choiceField(setting);
    case "integer":
    case "number":
      return numberField(setting);
    case "list":
      return setting.choices ? choicesField(setting.choices) : listField(setting);
    case "secret":
      return secretField(setting);
    case "text":
      return textField(setting);
  }
}

/** @returns {SettingField} */
function switchField() {
  const element = make("input", { className: "switch", type: "checkbox" });
  return {
    element,
    read: () => ({ value: element.checked }),
    write: (value) => (element.checked = value === true),
  };
}

/**
 * @param {ServerSetting} setting
 * @returns {SettingField}
 */
function choiceField({ choices, default: standard, defaultInWords }) {
  const element = make("select", { className: "text-field" });
  // Where no choice is the default, the server decides.
  if (standard === null) element.append(make("option", { value: "", text: standardText(defaultInWords) }));
  element.append(...(choices ?? []).map((choice) => make("option", { value: choice, text: choice })));
  return {
    element,
    read: () => ({ value: element.value === "" ? null : element.value }),
    write: (value) => (element.value = value === null ? "" : String(value)),
  };
}

/** @param {string | null} inWords what the server says of its default */
function standardText(inWords) {
  return phrase("serverSettings.defaultIs", { value: inWords ?? phrase("serverSettings.none") });
}

/**
 * @param {ServerSetting} setting
 * @returns {SettingField}
 */
function numberField(setting) {
  const element = make("input", { className: "text-field", type: "number", placeholder: defaultText(setting) });
  element.step = setting.kind === "integer" ? "1" : "any";
  if (setting.least !== null) element.min = String(setting.least);
  if (setting.most !== null) element.max = String(setting.most);
  return {
    element,
    read: () => {
      if (element.validity.badInput) return { fault: phrase("serverSettings.writeNumber") };
      return { value: element.value === "" ? null : element.valueAsNumber };
    },
    write: (value) => (element.value = value === null ? "" : String(value)),
  };
}

/**
 * @param {ServerSetting} setting
 * @returns {SettingField}
 */
function textField(setting) {
  const placeholder = setting.default === null ? (setting.defaultInWords ?? "") : defaultText(setting);
  const element = make("input", { className: "text-field", type: "text", spellcheck: false, placeholder });
  element.autocapitalize = "none";
  element.autocomplete = "off";
  return {
    element,
    read: () => ({ value: element.value.trim() || null }),
    write: (value) => (element.value = value === null ? "" : String(value)),
  };
}

/**
 * @param {ServerSetting} setting
 * @returns {SettingField}
 */
function listField(setting) {
  const element = make("textarea", { className: "text-field", rows: 2, spellcheck: false });
  element.placeholder = phrase("serverSettings.oneInEachLine", { value: defaultText(setting) });
  return {
    element,
    read: () => {
      const lines = element.value.split("\n").map((line) => line.trim()).filter(Boolean);
      return { value: lines.length > 0 ? lines : null };
    },
    write: (value) => (element.value = Array.isArray(value) ? value.join("\n") : value === null ? "" : valueText(value, null)),
  };
}

/**
 * @param {readonly string[]} choices of which there may be several
 * @returns {SettingField}
 */
function choicesField(choices) {
  const boxes = choices.map((value) => make("input", { type: "checkbox", value }));
  const labels = boxes.map((box) => make("label", { className: "check", children: [box, make("span", { text: box.value })] }));
  return {
    element: make("div", { className: "setting-choices", role: "group", children: labels }),
    control: boxes[0],
    read: () => ({ value: boxes.filter(({ checked }) => checked).map(({ value }) => value) }),
    write: (value) => boxes.forEach((box) => (box.checked = Array.isArray(value) && value.includes(box.value))),
  };
}

/**
 * What is set is never shown, so an empty field changes nothing.
 *
 * @param {ServerSetting} setting
 * @returns {SettingField}
 */
function secretField({ isSet }) {
  const element = make("input", { className: "text-field", type: "password", spellcheck: false });
  // Browsers ignore "off" here, and would offer the person's own password.
  element.autocomplete = "new-password";
  element.placeholder = phrase(isSet ? "serverSettings.typeToReplace" : "serverSettings.notSet");
  return {
    element,
    read: () => (element.value === "" ? { isUntouched: true } : { value: element.value }),
    write: (value) => (element.value = typeof value === "string" ? value : ""),
  };
}
