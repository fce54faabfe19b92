// @ts-check
// One of the server's settings: what it is for, its field, where its value comes from, and when it applies.

import { make } from "./dom.js";
import { fieldOf } from "./server_setting_field.js";
import { isAtDefault, isOpenToChange } from "./server_settings_draft.js";
import { appliesText, asSentence, boundsText, pendingText } from "./server_settings_texts.js";
import { sourceText, titleOfSetting, valueText } from "./server_settings_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { ServerSettingsDraft } from "./server_settings_draft.js" */
/** @import { SettingField } from "./server_setting_field.js" */
/** @import { ServerSetting } from "./server_settings_rest.js" */

export class ServerSettingRow {
  #draft;
  #onTyped;
  #setting;
  /** Null if the page cannot change it. @type {SettingField | null} */
  #field;
  #fixedValue = make("output", { className: "setting-fixed" });
  #facts = make("p", { className: "setting-facts" });
  #state = make("p", { className: "setting-state" });
  #fault = make("p", { className: "setting-fault" });
  #reset;
  element;

  /**
   * @param {ServerSetting} setting
   * @param {ServerSettingsDraft} draft
   * @param {() => void} onTyped
   */
  constructor(setting, draft, onTyped) {
    this.#draft = draft;
    this.#onTyped = onTyped;
    this.#setting = setting;
    this.#field = isOpenToChange(setting) ? fieldOf(setting) : null;
    this.#reset = make("button", { className: "button is-quiet setting-reset", type: "button" });
    this.#reset.addEventListener("click", () => this.#resetToDefault());
    this.#reset.dataset.testid = "setting-reset";
    this.#fault.dataset.testid = "setting-fault";
    this.#state.dataset.testid = "setting-state";
    this.element = make("li", { className: "setting-row", children: this.#build() });
    this.element.dataset.testid = "server-setting";
    this.element.dataset.name = setting.name;
  }

  get name() {
    return this.#setting.name;
  }

  focus() {
    (this.#field?.control ?? this.#field?.element)?.focus();
  }

  /**
   * @param {ServerSetting} setting as the server tells it now
   * @returns {boolean} false if another row has to take the place of this one
   */
  learn(setting) {
    if ((this.#field !== null) !== isOpenToChange(setting)) return false;
    this.#setting = setting;
    if (setting.kind === "secret" && this.#field) {
      this.#field.element.setAttribute("placeholder", phrase(setting.isSet ? "serverSettings.typeToReplace" : "serverSettings.notSet"));
    }
    this.showField();
    return true;
  }

  /** Show the value of the draft, unless there is something that is no value. */
  showField() {
    const setting = this.#setting;
    this.#fixedValue.textContent = setting.kind === "secret" ? "" : valueText(setting.value, setting.unit);
    if (!this.#draft.isUnreadable(setting.name)) this.#field?.write(this.#valueToShow());
    this.showState();
  }

  /** Show everything but the value. */
  showState() {
    const setting = this.#setting;
    const { name } = setting;
    const fault = this.#draft.faultOf(name);
    const isTyped = this.#draft.isTyped(name);
    const bounds = this.#field ? boundsText(setting) : "";
    const facts = [sourceText(setting), bounds, appliesText(setting)].filter(Boolean);
    this.#facts.replaceChildren(make("code", { text: name }), ` · ${facts.join(" · ")}`);
    this.#state.textContent = this.#stateText();
    this.#state.hidden = this.#state.textContent === "";
    this.#fault.textContent = fault;
    this.#fault.hidden = fault === null;
    this.element.classList.toggle("is-typed", isTyped);
    if (this.#field && !this.#field.control) this.#field.element.ariaInvalid = String(fault !== null);
    this.#showReset(isTyped);
  }

  #stateText() {
    const setting = this.#setting;
    const { name } = setting;
    const overtaken = phrase("serverSettings.fieldOvertaken", { value: valueText(setting.value, setting.unit) });
    return [
      this.#draft.isOvertaken(name) ? overtaken : "",
      setting.isPending ? pendingText(setting) : "",
      this.#draft.changes[name] === null ? phrase("serverSettings.toDefault") : "",
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** @param {boolean} isTyped */
  #showReset(isTyped) {
    const { kind, name } = this.#setting;
    const isReset = this.#draft.changes[name] === null;
    const isHidden = this.#field === null || isReset || (isAtDefault(this.#setting) && !isTyped);
    if (isHidden && document.activeElement === this.#reset) this.focus();
    this.#reset.hidden = isHidden;
    this.#reset.textContent = phrase(kind === "secret" ? "common.remove" : "serverSettings.reset");
    this.#reset.ariaLabel = phrase("common.about", { what: this.#reset.textContent, about: titleOfSetting(this.#setting) });
  }

  #valueToShow() {
    const value = this.#draft.valueOf(this.#setting);
    return value === null && this.#setting.kind !== "secret" ? this.#setting.default : value;
  }

  #resetToDefault() {
    this.#draft.type(this.name, null);
    this.showField();
    this.#onTyped();
  }

  #typed() {
    const reading = this.#field?.read();
    if (!reading) return;
    if ("fault" in reading) this.#draft.refuse(this.name, reading.fault);
    else if ("value" in reading) this.#draft.type(this.name, reading.value);
    else this.#draft.forget(this.name);
    this.showState();
    this.#onTyped();
  }

  #build() {
    const { name, help, unit } = this.#setting;
    const [field, helpId, factsId, stateId, faultId] = ["field", "help", "facts", "state", "fault"].map(
      (part) => `setting-${name}-${part}`,
    );
    const text = titleOfSetting(this.#setting);
    const isLabel = this.#field !== null && !this.#field.control;
    const title = isLabel ? make("label", { text, htmlFor: field }) : make("strong", { text, id: `setting-${name}-title` });
    const words = make("div", {
      className: "setting-words",
      children: [title, make("p", { className: "setting-help", id: helpId, text: asSentence(help) })],
    });
    this.#facts.id = factsId ?? "";
    this.#state.id = stateId ?? "";
    this.#fault.id = faultId ?? "";
    const element = this.#field?.element ?? this.#fixedValue;
    if (this.#field) {
      element.id = field ?? "";
      element.addEventListener("input", () => this.#typed());
      element.setAttribute("aria-describedby", [faultId, helpId, stateId, factsId].join(" "));
      element.dataset.testid = "setting-field";
      if (!isLabel) element.setAttribute("aria-labelledby", title.id);
    }
    const measured = this.#field && unit ? [make("span", { className: "setting-unit", text: unit })] : [];
    const row = make("div", { className: "setting-field", children: [element, ...measured] });
    const about = make("div", { className: "setting-about", children: [this.#fault, this.#state, this.#facts] });
    return [words, make("div", { className: "setting-side", children: [row, this.#reset] }), about];
  }
}
