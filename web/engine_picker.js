// @ts-check
// The dialog in which a picture is played in another engine.

import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { phrase } from "./texts/texts.js";

/** @import { PickerModel, SeedSummary } from "./rest.js" */

export class EnginePicker {
  #dialog = byId("engines", HTMLDialogElement);
  #list = byId("engine-list", HTMLUListElement);
  #onPlay;
  #onGet;

  /**
   * @param {(seed: SeedSummary, engine: string) => void} onPlay
   * @param {(engine: string) => void} onGet the person wants an engine that has to be pulled first
   */
  constructor(onPlay, onGet) {
    keepFocusInside(this.#dialog);
    this.#onPlay = onPlay;
    this.#onGet = onGet;
  }

  /**
   * @param {SeedSummary} seed
   * @param {readonly PickerModel[]} models
   * @param {string} chosen the engine that the picture would be played in now
   */
  open(seed, models, chosen) {
    byId("engines-title", HTMLElement).textContent = phrase("engines.title", { title: seed.title });
    // What has to be pulled first does not stand between those that can be played at once.
    const inOrder = [...models.filter((model) => model.is_local), ...models.filter((model) => !model.is_local)];
    this.#list.replaceChildren(...inOrder.map((model) => this.#item(seed, model, chosen)));
    this.#dialog.showModal();
  }

  /**
   * @param {SeedSummary} seed
   * @param {PickerModel} model
   * @param {string} chosen
   */
  #item(seed, { id, title, description, is_local: isHere }, chosen) {
    const marks = [id === seed.model ? phrase("engines.best") : "", isHere ? "" : phrase("engines.notReady")].filter(Boolean);
    const button = make("button", {
      className: "engine-choice",
      type: "button",
      onclick: () => {
        this.#dialog.close();
        if (isHere) this.#onPlay(seed, id);
        else this.#onGet(id);
      },
      children: [
        make("strong", { text: [title || id, ...marks].join(", ") }),
        make("span", { text: description }),
      ],
    });
    if (id === chosen) button.setAttribute("aria-current", "true");
    button.dataset.testid = "engine-choice";
    button.dataset.model = id;
    return make("li", { children: [button] });
  }
}
