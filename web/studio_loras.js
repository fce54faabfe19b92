// @ts-check
// The LoRAs of the server, of which some can shape a film, each with a strength.

import { byId, make } from "./dom.js";
import { phrase } from "./texts/texts.js";

/** @import { VideoSpecs } from "./films_rest.js" */

const USUAL_STRENGTH = 1;

export class StudioLoras {
  #fieldset = byId("studio-loras", HTMLFieldSetElement);
  #onChanged;
  /** @type {Readonly<Record<string, number>>} */
  #chosen = {};
  #names = "";

  /** @param {(loras: Readonly<Record<string, number>>) => void} onChanged */
  constructor(onChanged) {
    this.#onChanged = onChanged;
  }

  /** @param {VideoSpecs} specs */
  learn({ loras, why_no_loras, strongest_lora }) {
    const whyNot = byId("studio-no-loras", HTMLElement);
    whyNot.textContent = why_no_loras;
    whyNot.hidden = why_no_loras === null;
    this.#fieldset.hidden = loras.length === 0 || why_no_loras !== null;
    if (loras.join("\n") === this.#names) return;
    this.#names = loras.join("\n");
    const [legend] = this.#fieldset.children;
    this.#fieldset.replaceChildren(...(legend ? [legend] : []), ...loras.map((name) => this.#row(name, strongest_lora)));
  }

  /** @param {Readonly<Record<string, number>>} chosen */
  show(chosen) {
    this.#chosen = chosen;
    for (const row of this.#fieldset.querySelectorAll("div")) {
      const [box, strength] = row.querySelectorAll("input");
      const name = row.dataset.name ?? "";
      if (!box || !strength) continue;
      box.checked = name in chosen;
      strength.hidden = !box.checked;
      if (box.checked && document.activeElement !== strength) strength.value = String(chosen[name]);
    }
  }

  /**
   * @param {string} name
   * @param {number} most
   */
  #row(name, most) {
    const box = make("input", { type: "checkbox" });
    const strength = make("input", {
      className: "text-field",
      type: "number",
      min: String(-most),
      max: String(most),
      step: "0.1",
      ariaLabel: phrase("studio.strengthOf", { name }),
    });
    const told = () => {
      const others = Object.entries(this.#chosen).filter(([one]) => one !== name);
      const value = Number.isFinite(strength.valueAsNumber) ? strength.valueAsNumber : USUAL_STRENGTH;
      this.#onChanged(Object.fromEntries(box.checked ? [...others, [name, value]] : others));
    };
    box.addEventListener("change", told);
    strength.addEventListener("change", told);
    const row = make("div", {
      className: "studio-lora",
      children: [make("label", { className: "check", children: [box, make("span", { text: name })] }), strength],
    });
    row.dataset.name = name;
    return row;
  }
}
