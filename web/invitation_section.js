// @ts-check
// Invitations: a link for one person each, which is shown once, and those that nobody has accepted yet.

import { invitationLink, invitationText, isLocalAddress, roleText } from "./account_texts.js";
import { byId, make } from "./dom.js";
import { fetchInvitations, invite, withdrawInvitation } from "./people_rest.js";
import { qrPicture } from "./qr_picture.js";
import { RowList } from "./row_list.js";
import { SecretNote } from "./secret_note.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";

/** @import { Role } from "./account_rest.js" */
/** @import { Invitation } from "./people_rest.js" */

export class InvitationSection {
  #attempt;
  #form = byId("invitation-form", HTMLFormElement);
  #role = byId("invitation-role", HTMLSelectElement);
  #hours = byId("invitation-hours", HTMLSelectElement);
  #submit = byId("invitation-submit", HTMLButtonElement);
  #list = new RowList(byId("invitation-list", HTMLElement), this.#submit, "invitation");
  #secret = new SecretNote(phrase("people.invitationLink"), this.#submit);

  /** @param {(work: () => Promise<void>) => Promise<unknown>} attempt tells what goes wrong */
  constructor(attempt) {
    this.#attempt = attempt;
    const roles = /** @type {Role[]} */ (["player", "viewer", "owner"]);
    this.#role.append(
      ...roles.map((role) => make("option", { value: role, text: phrase(`roles.${role}`) })),
    );
    this.#role.addEventListener("change", () => this.#explain());
    this.#explain();
    this.#form.after(this.#secret.element);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(() => this.#invite());
    });
  }

  #explain() {
    const role = /** @type {Role} */ (this.#role.value);
    byId("invitation-meaning", HTMLElement).textContent = `${roleText(role)}.`;
  }

  async load() {
    const invitations = await fetchInvitations();
    this.#list.show(invitations.map((invitation) => this.#rowOf(invitation)));
  }

  hideSecret() {
    this.#secret.hide();
  }

  async #invite() {
    const { code } = await invite(/** @type {Role} */ (this.#role.value), Number(this.#hours.value));
    const link = invitationLink(location.href, code);
    const text = phrase("people.takeLink");
    if (isLocalAddress(link)) this.#secret.show(link, `${text} ${phrase("common.onlyHere")}`);
    else this.#secret.show(link, text, qrPicture(link, phrase("common.qrOfLink")));
    await this.load();
  }

  /** @param {Invitation} invitation */
  #rowOf(invitation) {
    const title = phrase("people.invitationFor", { role: phrase(`roles.${invitation.role}`).toLowerCase() });
    const withdraw = sureButton({
      text: phrase("people.withdraw"),
      sureText: phrase("people.withdrawSure"),
      about: title,
      testId: "invitation-withdraw",
      onSure: () =>
        void this.#attempt(async () => {
          await withdrawInvitation(invitation.id);
          await this.load();
        }),
    });
    return { key: invitation.id, title, text: invitationText(invitation, Date.now()), controls: [withdraw] };
  }
}
