// @ts-check
// One model in the Models view: what it is, what it takes, what it is busy with, and what can be done with it.

import { make } from "./dom.js";
import { actionsOf, pulledFraction } from "./model_state.js";
import { amountText, fitText, licenceFact, measuredFact } from "./model_texts.js";
import { needsFact, paceFact, sizeFact, stateText, useFact } from "./model_texts.js";
import { ProgressBar } from "./progress_bar.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";

/** @import { Job } from "./jobs_rest.js" */
/** @import { ModelAction } from "./model_state.js" */
/** @import { LibraryModel } from "./models_rest.js" */

/** @typedef {{ pull: Job | null, benchmark: Job | null }} ModelJobs that wait or run */

export class ModelCard {
  #onAction;
  #title = make("h3", { className: "model-title" });
  #description = make("p", { className: "recordings-note" });
  #state = make("p", { className: "model-state" });
  #reason = make("p", { className: "model-reason" });
  #facts = make("dl", { className: "model-facts" });
  #fit = make("p", { className: "model-fit" });
  #amount = make("p", { className: "recordings-note model-amount" });
  #progress = new ProgressBar(make("div"));
  #quant = make("select", { className: "text-field model-quant" });
  #actions = make("p", { className: "button-row" });
  /** @type {ModelAction[]} */
  #shown = [];
  #name = "";
  element;

  /** @param {(action: ModelAction, quant: string) => void} onAction */
  constructor(onAction) {
    this.#onAction = onAction;
    this.#state.dataset.testid = "model-state";
    this.#fit.dataset.testid = "model-fit";
    this.#amount.dataset.testid = "model-amount";
    this.#quant.dataset.testid = "model-quant";
    const header = make("div", { className: "model-header", children: [this.#title, this.#state] });
    this.element = make("li", {
      className: "model-card",
      children: [
        header,
        this.#description,
        this.#reason,
        this.#facts,
        this.#fit,
        this.#amount,
        this.#progress.element,
        make("div", { className: "model-actions", children: [this.#actions, this.#quant] }),
      ],
    });
    this.element.dataset.testid = "model";
  }

  focus() {
    this.element.scrollIntoView({ block: "nearest" });
    this.#actions.querySelector("button")?.focus();
  }

  get hasFocus() {
    return this.element.contains(document.activeElement);
  }

  /**
   * @param {LibraryModel} model
   * @param {ModelJobs} jobs
   * @param {boolean} mayChange whether the visitor may pull, load and delete
   */
  show(model, { pull, benchmark }, mayChange) {
    this.#name = model.title || model.id;
    this.element.dataset.model = model.id;
    this.element.dataset.state = pull ? "pulling" : model.state.kind;
    this.element.dataset.fit = model.fit?.kind ?? "unknown";
    this.#title.textContent = this.#name;
    this.#description.textContent = model.description;
    setText(this.#state, stateText(model, pull));
    setText(this.#reason, model.state.reason ?? "");
    setText(this.#fit, fitText(model));
    this.#showFacts(model, benchmark);
    this.#showProgress(model, pull);
    this.#showQuants(model, mayChange);
    this.#showActions(mayChange ? actionsOf(model, pull !== null, benchmark !== null) : []);
  }

  /**
   * @param {LibraryModel} model
   * @param {Job | null} benchmark
   */
  #showFacts(model, benchmark) {
    const measured = benchmark ? phrase("models.beingMeasured") : measuredFact(model);
    const facts = [
      [phrase("models.size"), sizeFact(model)],
      [phrase("models.licence"), licenceFact(model)],
      [phrase("models.needs"), model.kind === "engine" ? needsFact(model) : ""],
      [phrase("models.pace"), paceFact(model)],
      [phrase("models.measured"), measured],
      [phrase("models.usedFor"), useFact(model)],
    ].filter(([, text]) => text !== "");
    const rows = facts.map(([name, text]) => make("div", { children: [make("dt", { text: name }), make("dd", { text })] }));
    this.#facts.replaceChildren(...rows);
  }

  /**
   * @param {LibraryModel} model
   * @param {Job | null} pull
   */
  #showProgress(model, pull) {
    const isUnderWay = pull !== null || ["pulling", "loading"].includes(model.state.kind);
    const isPartial = model.state.kind === "partial";
    this.#progress.element.hidden = !isUnderWay && !isPartial;
    this.#progress.element.ariaLabel = phrase("common.about", { what: this.#name, about: stateText(model, pull) });
    this.#progress.show(model.state.kind === "loading" && !pull ? null : pulledFraction(model, pull));
    setText(this.#amount, isUnderWay || isPartial ? amountText(model, pull) : "");
  }

  /**
   * @param {LibraryModel} model
   * @param {boolean} mayChange
   */
  #showQuants({ quants, state }, mayChange) {
    this.#quant.hidden = !mayChange || quants.length < 2 || !["ready", "failed"].includes(state.kind);
    this.#quant.ariaLabel = phrase("models.quantOf", { name: this.#name });
    const isSame = [...this.#quant.options].every(({ value }, index) => value === quants[index]);
    if (isSame && this.#quant.options.length === quants.length) return;
    this.#quant.replaceChildren(
      ...quants.map((value) => make("option", { value, text: value === "none" ? phrase("models.asPublished") : value })),
    );
  }

  /** @param {ModelAction[]} actions */
  #showActions(actions) {
    if (actions.join() === this.#shown.join()) return;
    const hadFocus = this.#actions.contains(document.activeElement);
    this.#shown = actions;
    this.#actions.replaceChildren(...actions.map((action, index) => this.#button(action, index === 0)));
    // The button that was pressed is gone, and the focus would be lost with it.
    if (hadFocus) (this.#actions.querySelector("button") ?? focusable(this.element)).focus();
  }

  /**
   * @param {ModelAction} action
   * @param {boolean} isFirst
   */
  #button(action, isFirst) {
    const testId = `model-${action}`;
    const onSure = () => this.#onAction(action, this.#quant.value);
    const text = phrase(`models.${action}`);
    if (action === "delete") return sureButton({ text, sureText: phrase("models.deleteSure"), about: this.#name, testId, onSure });
    const className = `button ${isFirst && action !== "cancel" ? "" : "is-quiet"}`;
    const ariaLabel = phrase("common.about", { what: text, about: this.#name });
    const button = make("button", { className, type: "button", text, ariaLabel, onclick: onSure });
    button.dataset.testid = testId;
    return button;
  }
}

/**
 * @param {HTMLElement} element without a button that could have the focus
 */
function focusable(element) {
  element.tabIndex = -1;
  return element;
}

/**
 * A screen reader should not repeat an unchanged text, and an empty line should leave no gap.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}
