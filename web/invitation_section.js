// @ts-check
// Invitations: a link for one person each, which is shown once, and those that nobody has accepted yet.

import { invitationLink, invitationText, isLocalAddress, ROLE_MEANINGS, ROLE_TEXTS } from "./account_texts.js";
import { byId, make } from "./dom.js";
import { fetchInvitations, invite, withdrawInvitation } from "./people_rest.js";
import { qrPicture } from "./qr_picture.js";
import { RowList } from "./row_list.js";
import { SecretNote } from "./secret_note.js";
import { sureButton } from "./sure_button.js";

/** @import { Role } from "./account_rest.js" */
/** @import { Invitation } from "./people_rest.js" */

const TAKE_IT = "Send this link to one person. It is not shown again, and works once.";
const LOCAL = "It has the address of this machine, so it works only here: open this page under an address that others use.";

export class InvitationSection {
  #attempt;
  #form = byId("invitation-form", HTMLFormElement);
  #role = byId("invitation-role", HTMLSelectElement);
  #hours = byId("invitation-hours", HTMLSelectElement);
  #submit = byId("invitation-submit", HTMLButtonElement);
  #list = new RowList(byId("invitation-list", HTMLElement), this.#submit, "invitation");
  #secret = new SecretNote("Invitation link", this.#submit);

  /** @param {(work: () => Promise<void>) => Promise<unknown>} attempt tells what goes wrong */
  constructor(attempt) {
    this.#attempt = attempt;
    const roles = /** @type {Role[]} */ (["player", "viewer", "owner"]);
    this.#role.append(
      ...roles.map((role) => make("option", { value: role, text: ROLE_TEXTS[role] })),
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
    byId("invitation-meaning", HTMLElement).textContent = `${ROLE_TEXTS[role]}: ${ROLE_MEANINGS[role]}.`;
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
    if (isLocalAddress(link)) this.#secret.show(link, `${TAKE_IT} ${LOCAL}`);
    else this.#secret.show(link, TAKE_IT, qrPicture(link, "The link as a QR code, for the camera of a phone"));
    await this.load();
  }

  /** @param {Invitation} invitation */
  #rowOf(invitation) {
    const title = `Invitation for a ${ROLE_TEXTS[invitation.role].toLowerCase()}`;
    const withdraw = sureButton({
      text: "Withdraw",
      sureText: "Withdraw it for good",
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
