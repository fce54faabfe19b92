// @ts-check
// The dialog in which owners see to the people of the server: their roles, who may sign in, and invitations.

import { personText, reasonText } from "./account_texts.js";
import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { InvitationSection } from "./invitation_section.js";
import { changePerson, deletePerson, fetchPeople } from "./people_rest.js";
import { RowList } from "./row_list.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";

/** @import { Role } from "./account_rest.js" */
/** @import { Identity } from "./identity.js" */
/** @import { Person } from "./people_rest.js" */

const ROLES = /** @type {readonly Role[]} */ (["owner", "player", "viewer"]);

export class People {
  #identity;
  #dialog = byId("people", HTMLDialogElement);
  #notice = byId("people-notice", HTMLElement);
  #list;
  #invitations;

  /** @param {Identity} identity */
  constructor(identity) {
    this.#identity = identity;
    this.#list = new RowList(byId("people-list", HTMLElement), byId("people-close", HTMLElement), "person");
    this.#invitations = new InvitationSection((work) => this.#attempt(work));
    keepFocusInside(this.#dialog);
    this.#dialog.addEventListener("close", () => this.#invitations.hideSecret());
  }

  open() {
    this.#notify(null);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.refresh();
  }

  close() {
    this.#dialog.close();
  }

  refresh() {
    if (!this.#dialog.open) return;
    void this.#attempt(() => this.#load());
    void this.#attempt(() => this.#invitations.load());
  }

  async #load() {
    const people = await fetchPeople();
    this.#list.show(people.map((person) => this.#rowOf(person)));
  }

  /** @param {Person} person */
  #rowOf(person) {
    const isSelf = person.id === this.#identity.user?.id;
    // Nobody should lock themselves out by a slip of the finger.
    const controls = isSelf ? [make("span", { text: phrase(`roles.${person.role}`) })] : this.#controls(person);
    return { key: person.id, title: person.name, text: personText(person, isSelf, Date.now()), controls };
  }

  /** @param {Person} person */
  #controls({ id, name, role, disabled }) {
    const select = roleSelect(role, phrase("people.roleOf", { name }));
    select.dataset.testid = "person-role";
    select.addEventListener("change", () => {
      void this.#change(() => changePerson(id, { role: /** @type {Role} */ (select.value) }));
    });
    const text = phrase(disabled ? "people.letInAgain" : "people.disable");
    const ariaLabel = phrase("common.about", { what: text, about: name });
    const disable = make("button", { className: "button is-quiet", type: "button", text, ariaLabel });
    disable.dataset.testid = "person-disable";
    disable.addEventListener("click", () => void this.#change(() => changePerson(id, { disabled: !disabled })));
    const remove = sureButton({
      text: phrase("common.delete"),
      sureText: phrase("common.deleteForGood"),
      about: name,
      testId: "person-delete",
      onSure: () => void this.#change(() => deletePerson(id)),
    });
    return [select, disable, remove];
  }

  /** @param {() => Promise<void>} change */
  async #change(change) {
    const isDone = await this.#attempt(change);
    // After a refusal, the row shows again how things are.
    const load = () => this.#load();
    await (isDone ? this.#attempt(load) : load().catch(() => {}));
  }

  /**
   * @param {() => Promise<void>} work
   * @returns {Promise<boolean>} whether it was done
   */
  async #attempt(work) {
    this.#notify(null);
    try {
      await work();
      return true;
    } catch (error) {
      this.#notify(reasonText(error));
      return false;
    }
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    if (text !== null) this.#notice.scrollIntoView({ block: "nearest" });
  }
}

/**
 * @param {Role} role
 * @param {string} label
 */
function roleSelect(role, label) {
  const options = ROLES.map((one) => make("option", { value: one, text: phrase(`roles.${one}`), title: phrase(`roleMeanings.${one}`) }));
  const select = make("select", { className: "text-field", ariaLabel: label, children: options });
  select.value = role;
  return select;
}
