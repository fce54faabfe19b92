// @ts-check
// The dialog of what a person sets for this browser: looking around, the picture, and keys.

import { boundText, firstKeyText, keyText, listeningText, notBindableText, takenText } from "./control_texts.js";
import { ACTIONS, isBindable, KeyBindings } from "./controls/key_bindings.js";
import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { asTheme } from "./settings.js";
import { phrase } from "./texts/texts.js";

/** @import { Layout } from "./control_texts.js" */
/** @import { Action } from "./controls/key_bindings.js" */
/** @import { Settings } from "./settings.js" */

/** The switches, by the ids of their fields. */
const SWITCHES = /** @type {const} */ ({
  "invert-look": "invertLook",
  "cap-fps": "capFps",
  "always-video": "alwaysVideo",
  "overlay-toggle": "overlay",
  "step-sounds": "stepSounds",
  "reduced-motion": "reducedMotion",
});

export class PlayerSettings {
  #dialog = byId("player-settings", HTMLDialogElement);
  #sensitivity = byId("sensitivity", HTMLInputElement);
  #theme = byId("theme", HTMLSelectElement);
  #status = byId("keys-status", HTMLElement);
  #reset = byId("keys-reset", HTMLButtonElement);
  /** @type {ReadonlyMap<Action, HTMLButtonElement>} */
  #buttons;
  /** The action that the next key is for. @type {Action | null} */
  #listening = null;
  /** The key that was bound last, whose release is still to come. */
  #unreleased = "";
  #keys = new KeyBindings();
  /** @type {Layout | undefined} */
  #layout;
  #onChange;

  /** @param {(change: Partial<Settings>) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#buttons = new Map(ACTIONS.map((action) => [action, this.#makeButton(action)]));
    byId("key-list", HTMLElement).replaceChildren(...[...this.#buttons].map(rowOf));
    this.#sensitivity.addEventListener("input", () => onChange({ sensitivity: this.#sensitivity.valueAsNumber }));
    this.#theme.addEventListener("change", () => onChange({ theme: asTheme(this.#theme.value) }));
    for (const [id, name] of Object.entries(SWITCHES)) {
      const field = byId(id, HTMLInputElement);
      field.addEventListener("change", () => onChange({ [name]: field.checked }));
    }
    this.#reset.addEventListener("click", () => this.#resetKeys());
    // Before the ring of the focus, which would take Tab.
    this.#dialog.addEventListener("keydown", (event) => this.#pressed(event), { capture: true });
    // A browser presses the button that has the focus when Space comes up again.
    this.#dialog.addEventListener("keyup", (event) => this.#released(event), { capture: true });
    this.#dialog.addEventListener("cancel", (event) => {
      if (!this.#listening) return;
      event.preventDefault();
      this.#listen(null);
    });
    keepFocusInside(this.#dialog);
    void this.#learnLayout();
  }

  open() {
    this.#tell("");
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  /** @param {Settings} settings */
  show(settings) {
    this.#sensitivity.value = String(settings.sensitivity);
    byId("sensitivity-value", HTMLElement).textContent = `${settings.sensitivity.toFixed(1)}×`;
    this.#theme.value = settings.theme;
    for (const [id, name] of Object.entries(SWITCHES)) byId(id, HTMLInputElement).checked = settings[name];
    this.#keys = settings.keys;
    this.#showKeys();
  }

  #showKeys() {
    for (const [action, button] of this.#buttons) this.#showKey(action, button);
    // A disabled button would lose the focus.
    this.#reset.ariaDisabled = String(this.#keys.isDefault);
    for (const label of document.querySelectorAll("kbd[data-key]")) {
      if (label instanceof HTMLElement) this.#label(label, /** @type {Action} */ (label.dataset.key));
    }
  }

  /**
   * @param {HTMLElement} label of a shortcut, anywhere in the page
   * @param {Action} action
   */
  #label(label, action) {
    label.textContent = firstKeyText(this.#keys, action, this.#layout);
    label.hidden = this.#keys.keysOf(action).length === 0;
  }

  /** @param {Action} action */
  #makeButton(action) {
    const button = make("button", { className: "button key-button", type: "button" });
    button.dataset.testid = `key-${action}`;
    button.addEventListener("click", () => this.#listen(action));
    button.addEventListener("blur", () => this.#listening === action && this.#listen(null));
    return button;
  }

  /**
   * @param {Action} action
   * @param {HTMLButtonElement} button
   */
  #showKey(action, button) {
    const codes = this.#keys.keysOf(action);
    const text = codes.length === 0 ? phrase("keys.none") : codes.map((code) => keyText(code, this.#layout)).join(", ");
    button.textContent = this.#listening === action ? phrase("keys.press") : text;
    button.ariaLabel = phrase("common.about", { what: phrase(`actions.${action}`), about: text });
    button.classList.toggle("is-missing", codes.length === 0);
  }

  /** @param {Action | null} action that the next key is for */
  #listen(action) {
    this.#listening = action;
    this.#tell(action ? listeningText(action) : "");
    this.#showKeys();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const action = this.#listening;
    if (!action || event.repeat) return;
    event.preventDefault();
    event.stopPropagation();
    const key = keyText(event.code, this.#layout);
    if (event.code === "Escape") return this.#listen(null);
    if (!isBindable(event.code)) return this.#tell(notBindableText(key));
    const { bindings, loser } = this.#keys.bind(action, event.code);
    this.#listening = null;
    this.#unreleased = event.code;
    this.#onChange({ keys: bindings });
    this.#tell(loser ? takenText(key, loser) : boundText(key, action));
  }

  /** @param {KeyboardEvent} event */
  #released(event) {
    if (event.code !== this.#unreleased) return;
    this.#unreleased = "";
    event.preventDefault();
  }

  #resetKeys() {
    if (this.#keys.isDefault) return;
    this.#onChange({ keys: new KeyBindings() });
    this.#tell(phrase("keys.wereReset"));
  }

  /** Letters are printed elsewhere in other countries. Browsers tell only pages that they trust. */
  async #learnLayout() {
    const { keyboard } = /** @type {{ keyboard?: { getLayoutMap?: () => Promise<Layout> } }} */ (navigator);
    try {
      this.#layout = await keyboard?.getLayoutMap?.();
    } catch {
      // Then keys are called as on an American keyboard.
    }
    this.#showKeys();
  }

  /** @param {string} text */
  #tell(text) {
    this.#status.textContent = text;
  }
}

/** @param {readonly [Action, HTMLButtonElement]} entry */
function rowOf([action, button]) {
  return make("li", { className: "key-row", children: [make("span", { text: phrase(`actions.${action}`) }), button] });
}
