// @ts-check
// The view in front of everything else: sign in, become the first owner, or accept an invitation.

import { acceptInvitation, setUp, signIn } from "./account_rest.js";
import { entranceTexts, reasonText } from "./account_texts.js";
import { byId } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { phrase } from "./texts/texts.js";

/** @import { Mode } from "./account_texts.js" */
/** @import { Identity } from "./identity.js" */

/**
 * @typedef {object} EntranceListener
 * @property {() => void} onOpened
 * @property {() => void} onLeft the visitor goes on without signing in
 * @property {(isOther: boolean) => void} onEntered `isOther`: somebody else than the one who was here before
 * @property {() => void} onInvitationOver it was accepted or put aside
 */

export class Entrance {
  #identity;
  #listener;
  #dialog = byId("entrance", HTMLDialogElement);
  #form = byId("entrance-form", HTMLFormElement);
  #notice = byId("entrance-notice", HTMLElement);
  #code = byId("entrance-code", HTMLInputElement);
  #name = byId("entrance-name", HTMLInputElement);
  #password = byId("entrance-password", HTMLInputElement);
  #isShown = byId("entrance-show", HTMLInputElement);
  #submit = byId("entrance-submit", HTMLButtonElement);
  #later = byId("entrance-later", HTMLButtonElement);
  /** @type {Mode} */
  #mode = "signIn";
  #invitation = "";
  #isBusy = false;
  /** The last one who was signed in here. @type {string | null} */
  #lastPerson = null;

  /**
   * @param {Identity} identity
   * @param {EntranceListener} listener
   */
  constructor(identity, listener) {
    this.#identity = identity;
    this.#listener = listener;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#enter();
    });
    keepFocusInside(this.#dialog);
    this.#isShown.addEventListener("change", () => this.#showPassword());
    this.#later.addEventListener("click", () => this.#leave());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#leave();
    });
    // On a second Escape, a browser may close the dialog although the page prevents it.
    this.#dialog.addEventListener("close", () => identity.mustSignIn && this.#show());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Have the visitor sign in, or become the owner where there is none. */
  ask() {
    if (this.isOpen) return this.#listener.onOpened();
    this.#open(this.#identity.isUnclaimed ? "setup" : "signIn");
  }

  /** @param {string} code of an invitation */
  invite(code) {
    this.#invitation = code;
    this.#open("accept");
  }

  /** @param {string | null} id of the person who is signed in; null if nobody is */
  remember(id) {
    this.#lastPerson = id ?? this.#lastPerson;
  }

  /** @param {Mode} mode */
  #open(mode) {
    const { title, text, submit } = entranceTexts(mode);
    this.#mode = mode;
    byId("entrance-title", HTMLElement).textContent = title;
    const about = byId("entrance-text", HTMLElement);
    about.textContent = text;
    about.hidden = text === "";
    byId("entrance-code-field", HTMLElement).hidden = mode !== "setup";
    this.#submit.textContent = submit;
    this.#password.autocomplete = mode === "signIn" ? "current-password" : "new-password";
    this.#later.hidden = this.#identity.mustSignIn && mode !== "accept";
    this.#later.textContent = this.#identity.mustSignIn ? phrase("entrance.haveAccount") : phrase("common.notNow");
    this.#notify(null);
    this.#show();
  }

  #show() {
    if (!this.#dialog.open) this.#dialog.showModal();
    (this.#mode === "setup" ? this.#code : this.#name).focus();
    this.#listener.onOpened();
  }

  /** Put the view aside, if the visitor may do without it. */
  #leave() {
    if (this.#isBusy) return;
    if (this.#mode === "accept") this.#listener.onInvitationOver();
    if (!this.#identity.mustSignIn) {
      this.#close();
      this.#listener.onLeft();
    } else if (this.#mode === "accept") {
      this.#open("signIn");
    }
  }

  async #enter() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#form.ariaBusy = "true";
    this.#notify(null);
    const before = this.#lastPerson;
    try {
      await this.#send();
      await this.#identity.refresh();
      this.#entered(before);
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#isBusy = false;
      this.#form.ariaBusy = "false";
    }
  }

  #send() {
    const [name, password] = [this.#name.value.trim(), this.#password.value];
    switch (this.#mode) {
      case "signIn":
        return signIn(name, password);
      case "setup":
        return setUp(name, password, this.#code.value.trim());
      case "accept":
        return acceptInvitation(this.#invitation, name, password);
    }
  }

  /** @param {string | null} before who was here; null if nobody was */
  #entered(before) {
    if (this.#mode === "accept") this.#listener.onInvitationOver();
    this.#close();
    this.#listener.onEntered(before !== null && before !== this.#identity.user?.id);
  }

  /** @param {unknown} error */
  #refused(error) {
    this.#notify(reasonText(error));
    this.#password.select();
  }

  #close() {
    this.#password.value = this.#code.value = "";
    this.#isShown.checked = false;
    this.#showPassword();
    this.#dialog.close();
  }

  #showPassword() {
    this.#password.type = this.#isShown.checked ? "text" : "password";
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
  }
}
