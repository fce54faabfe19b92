// @ts-check
// The view of what the server finds when it looks itself over: what runs, what does not, and how to mend it.

import { fetchExamination } from "./doctor_rest.js";
import { verdictText, worstFirst } from "./doctor_texts.js";
import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { describe } from "./library.js";
import { phrase } from "./texts/texts.js";

/** @import { DoctorCheck, Examination } from "./doctor_rest.js" */

export class Doctor {
  #dialog = byId("doctor", HTMLDialogElement);
  #verdict = byId("doctor-verdict", HTMLElement);
  #list = byId("doctor-checks", HTMLUListElement);
  #again = byId("doctor-again", HTMLButtonElement);
  #isLooking = false;
  /** The newest one. @type {Examination | null} */
  examination = null;

  constructor() {
    keepFocusInside(this.#dialog);
    this.#again.addEventListener("click", () => void this.#look());
  }

  open() {
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#look();
  }

  close() {
    this.#dialog.close();
  }

  async #look() {
    if (this.#isLooking) return;
    this.#isLooking = true;
    // A disabled button would lose the focus.
    this.#again.ariaDisabled = "true";
    this.#verdict.textContent = phrase("doctor.looking");
    try {
      this.examination = await fetchExamination();
      this.#verdict.textContent = verdictText(this.examination);
      this.#list.replaceChildren(...worstFirst(this.examination.checks).map(rowOf));
    } catch (error) {
      this.#verdict.textContent = describe(error);
    } finally {
      this.#isLooking = false;
      this.#again.ariaDisabled = "false";
    }
  }
}

/** @param {DoctorCheck} check */
function rowOf({ id, title, state, found, mend }) {
  const header = make("p", {
    className: "check-header",
    children: [make("strong", { text: title }), make("span", { className: "check-state", text: phrase(`doctor.${state}`) })],
  });
  const words = [header, make("p", { text: found }), ...(mend ? [make("p", { className: "check-mend", text: mend })] : [])];
  const row = make("li", { className: "check-row", children: words });
  row.dataset.state = state;
  row.dataset.check = id;
  row.dataset.testid = "doctor-check";
  return row;
}
