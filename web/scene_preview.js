// @ts-check
// Shows an edit before and after over the frozen frame, and a strip of all edits.

import { undoText } from "./authoring_texts.js";
import { byId, make } from "./dom.js";
import { phrase } from "./texts/texts.js";

/** @import { AuthoringHistory, Edit } from "./authoring_history.js" */

/** @typedef {"before" | "after"} Side */

export class ScenePreview {
  #history;
  /** @type {Edit | null} the edit that is shown; null for the present world */
  #chosen = null;
  #figure = byId("scene-preview", HTMLElement);
  #picture = byId("scene-preview-picture", HTMLImageElement);
  #label = byId("scene-preview-label", HTMLElement);
  #sides = byId("authoring-sides", HTMLElement);
  #before = byId("authoring-before", HTMLButtonElement);
  #after = byId("authoring-after", HTMLButtonElement);
  #undo = byId("authoring-undo", HTMLButtonElement);
  #changes = byId("authoring-changes", HTMLElement);
  #list = byId("authoring-history", HTMLUListElement);

  /**
   * @param {AuthoringHistory} history
   * @param {(edit: Edit) => void} onUndo
   */
  constructor(history, onUndo) {
    this.#history = history;
    this.#before.addEventListener("click", () => this.#look("before"));
    this.#after.addEventListener("click", () => this.#look("after"));
    this.#undo.addEventListener("click", () => {
      const edit = this.#chosen ?? history.last;
      if (edit) onUndo(edit);
    });
  }

  /** @param {Edit | null} edit to compare; null for the present world */
  show(edit) {
    this.#chosen = edit;
    const { edits, last } = this.#history;
    this.#list.replaceChildren(...edits.map((other) => this.#item(other)));
    this.#list.lastElementChild?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#changes.hidden = last === null;
    this.#sides.hidden = edit === null;
    const undoable = edit ?? last;
    this.#undo.hidden = undoable === null;
    if (undoable) this.#undo.textContent = undoText(this.#history.laterThan(undoable));
    this.#look(edit ? "after" : null);
  }

  /** Hide everything. */
  hide() {
    this.#chosen = null;
    this.#changes.hidden = this.#sides.hidden = this.#undo.hidden = true;
    this.#look(null);
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    for (const button of [this.#before, this.#after, this.#undo]) button.disabled = isBusy;
    for (const button of this.#list.querySelectorAll("button")) button.disabled = isBusy;
  }

  /** @param {Side | null} side null shows the world itself */
  #look(side) {
    const edit = this.#chosen;
    this.#before.ariaPressed = String(side === "before");
    this.#after.ariaPressed = String(side === "after");
    this.#figure.hidden = edit === null || side === null;
    if (edit === null || side === null) return this.#picture.removeAttribute("src");
    this.#picture.src = edit[side];
    this.#label.textContent = side === "before" ? phrase("authoring.before") : phrase("authoring.afterEdit", { prompt: edit.prompt });
  }

  /** @param {Edit} edit */
  #item(edit) {
    const isChosen = edit === this.#chosen;
    const button = make("button", {
      className: "moment",
      type: "button",
      title: edit.prompt,
      ariaPressed: String(isChosen),
      onclick: () => {
        const at = this.#history.edits.indexOf(edit);
        this.show(isChosen ? null : edit);
        // The strip was rebuilt, so the pressed button has lost the focus.
        this.#list.querySelectorAll("button")[at]?.focus();
      },
      children: [make("img", { src: edit.after, alt: "" }), make("span", { text: edit.prompt })],
    });
    button.dataset.testid = "authoring-edit";
    return make("li", { children: [button] });
  }
}
