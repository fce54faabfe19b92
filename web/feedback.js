// @ts-check
// A small control to rate a thing: a thumb, tags that say why, and a few words. It is loaded when it is opened.

import { make } from "./dom.js";
import { fetchFeedback, giveFeedback, takeFeedbackBack } from "./feedback_rest.js";
import { afterComment, afterTag, afterThumb, summaryOf, tagText, TAGS } from "./feedback_state.js";
import { describe } from "./library.js";
import { phrase } from "./texts/texts.js";

/** @import { Subject } from "./feedback_rest.js" */
/** @import { Rating, Saying } from "./feedback_state.js" */

const OWN_WORDS = phrase("feedback.ownWords");

export class FeedbackControl {
  /** @type {Subject | null} */
  #subject = null;
  #title = "";
  /** @type {Saying | null} */
  #said = null;
  /** How often something was said here, so that what is loaded does not undo it. */
  #changes = 0;
  /** Each change is sent after the one before has been answered. */
  #sending = Promise.resolve();
  #summary = make("summary");
  #good = this.#thumb(phrase("feedback.good"), 1);
  #bad = this.#thumb(phrase("feedback.bad"), -1);
  #tags = TAGS.map((tag) => this.#tag(tag, tagText(tag)));
  #tagRow = make("p", { className: "button-row", role: "group", ariaLabel: phrase("feedback.why"), children: this.#tags, hidden: true });
  #comment = make("textarea", { maxLength: 2000, rows: 2, placeholder: OWN_WORDS, ariaLabel: OWN_WORDS });
  #problem = make("p", { className: "notice", role: "alert", hidden: true });
  element;

  constructor() {
    this.#summary.dataset.testid = "feedback-open";
    this.#comment.dataset.testid = "feedback-comment";
    this.#problem.dataset.testid = "feedback-problem";
    this.#comment.hidden = true;
    this.#comment.addEventListener("change", () => this.#say(this.#said && afterComment(this.#said, this.#comment.value)));
    const thumbs = make("p", { className: "button-row", role: "group", children: [this.#good, this.#bad] });
    thumbs.ariaLabel = phrase("feedback.howItIs");
    this.element = make("details", {
      className: "feedback",
      children: [this.#summary, this.#problem, thumbs, this.#tagRow, this.#comment],
    });
    this.element.dataset.testid = "feedback";
    this.element.addEventListener("toggle", () => {
      if (this.element.open) void this.#load();
    });
    this.#show();
  }

  /**
   * What is rated from now on.
   *
   * @param {Subject} subject
   * @param {string} title of it, for who does not see where the control is
   */
  rate(subject, title) {
    this.#title = title;
    if (subject.kind === this.#subject?.kind && subject.id === this.#subject.id) return this.#show();
    this.#subject = subject;
    this.#said = null;
    this.element.open = false;
    this.#tell(null);
    this.#show();
  }

  /** Asks only after what was said here has arrived, since an answer from before would undo it. */
  async #load() {
    const subject = this.#subject;
    if (!subject) return;
    await this.#sending;
    const changes = this.#changes;
    try {
      const said = await fetchFeedback(subject);
      if (subject === this.#subject && changes === this.#changes) this.#said = said;
    } catch (error) {
      if (subject === this.#subject) this.#tell(describe(error));
    }
    this.#show();
  }

  /** @param {Saying | null} saying null: take back what was said */
  #say(saying) {
    const subject = this.#subject;
    if (!subject || saying === this.#said) return;
    const before = this.#said;
    this.#changes += 1;
    this.#said = saying;
    this.#show();
    this.#sending = this.#sending.then(async () => {
      try {
        await (saying ? giveFeedback(subject, saying) : takeFeedbackBack(subject));
        if (subject === this.#subject) this.#tell(null);
      } catch (error) {
        if (subject !== this.#subject) return;
        if (this.#said === saying) this.#said = before;
        this.#tell(describe(error));
        this.#show();
      }
    });
  }

  #show() {
    const said = this.#said;
    this.#summary.textContent = summaryOf(said);
    this.#summary.ariaLabel = phrase("common.about", { what: summaryOf(said), about: this.#title });
    this.#good.ariaPressed = String(said?.rating === 1);
    this.#bad.ariaPressed = String(said?.rating === -1);
    for (const tag of this.#tags) tag.ariaPressed = String(said?.tags.includes(tag.dataset.tag ?? "") ?? false);
    this.#tagRow.hidden = this.#comment.hidden = said === null;
    if (document.activeElement !== this.#comment) this.#comment.value = said?.comment ?? "";
  }

  /**
   * @param {string} text
   * @param {Rating} rating
   */
  #thumb(text, rating) {
    const button = make("button", {
      className: "button",
      type: "button",
      text: `${rating > 0 ? "👍" : "👎"} ${text}`,
      ariaLabel: text,
      onclick: () => this.#say(afterThumb(this.#said, rating)),
    });
    button.dataset.testid = rating > 0 ? "feedback-good" : "feedback-bad";
    return button;
  }

  /**
   * @param {string} tag
   * @param {string} text
   */
  #tag(tag, text) {
    const button = make("button", {
      className: "button",
      type: "button",
      text,
      onclick: () => this.#say(this.#said && afterTag(this.#said, tag)),
    });
    button.dataset.testid = "feedback-tag";
    button.dataset.tag = tag;
    return button;
  }

  /** @param {string | null} text */
  #tell(text) {
    this.#problem.textContent = text;
    this.#problem.hidden = text === null;
  }
}
