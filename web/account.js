// @ts-check
// The dialog of one's own account: where one is signed in, the password, and tokens for programs.

import { changePassword, endSession, fetchSessions, signOut } from "./account_rest.js";
import { deviceText, reasonText, roleText, sessionText } from "./account_texts.js";
import { byId, make } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { RowList } from "./row_list.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";
import { TokenSection } from "./token_section.js";

/** @import { SignInSession } from "./account_rest.js" */
/** @import { Identity } from "./identity.js" */

export class Account {
  #identity;
  #onSignedOut;
  #dialog = byId("account", HTMLDialogElement);
  #notice = byId("account-notice", HTMLElement);
  #status = byId("account-status", HTMLElement);
  #passwordForm = byId("password-form", HTMLFormElement);
  #present = byId("password-present", HTMLInputElement);
  #next = byId("password-next", HTMLInputElement);
  #sessions;
  #tokens;

  /**
   * @param {Identity} identity
   * @param {() => void} onSignedOut
   */
  constructor(identity, onSignedOut) {
    this.#identity = identity;
    this.#onSignedOut = onSignedOut;
    const close = byId("account-close", HTMLButtonElement);
    this.#sessions = new RowList(byId("account-sessions", HTMLElement), close, "account-session");
    this.#tokens = new TokenSection((work) => this.#attempt(work));
    byId("sign-out-everywhere-place", HTMLElement).append(
      sureButton({
        text: phrase("account.signOutEverywhere"),
        sureText: phrase("account.signOutEverywhereSure"),
        about: phrase("account.signOutEverywhereAbout"),
        testId: "sign-out-everywhere",
        onSure: () => void this.#attempt(() => this.#leave(true)),
      }),
    );
    byId("sign-out", HTMLButtonElement).addEventListener("click", () => void this.#attempt(() => this.#leave(false)));
    this.#passwordForm.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#attempt(() => this.#changePassword());
    });
    keepFocusInside(this.#dialog);
    this.#dialog.addEventListener("close", () => {
      this.#passwordForm.reset();
      this.#tokens.hideSecret();
    });
  }

  open() {
    const { user } = this.#identity;
    if (!user) return;
    byId("account-title", HTMLElement).textContent = user.name;
    byId("account-role", HTMLElement).textContent = roleText(user.role);
    byId("password-name", HTMLInputElement).value = user.name;
    this.#tokens.offerScopes(user.role);
    this.#notify(null);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.refresh();
  }

  close() {
    this.#dialog.close();
  }

  refresh() {
    if (!this.#dialog.open) return;
    void this.#attempt(() => this.#loadSessions());
    void this.#attempt(() => this.#tokens.load());
  }

  async #loadSessions() {
    const sessions = await fetchSessions();
    this.#sessions.show(sessions.map((session) => this.#rowOf(session)));
  }

  /** @param {SignInSession} session */
  #rowOf(session) {
    const title = deviceText(session.agent);
    const end = make("button", { className: "button is-quiet", type: "button", text: phrase("account.signOutThere") });
    end.ariaLabel = phrase("common.about", { what: phrase("account.signOutThere"), about: title });
    end.dataset.testid = "session-end";
    end.addEventListener("click", () => {
      void this.#attempt(async () => {
        await endSession(session.id);
        await this.#loadSessions();
      });
    });
    // Of the session in this browser there is one way to sign out, which also shows the entrance.
    const controls = session.current ? [] : [end];
    return { key: session.id, title, text: sessionText(session, Date.now()), controls };
  }

  /** @param {boolean} isEverywhere */
  async #leave(isEverywhere) {
    await signOut(isEverywhere);
    this.close();
    this.#onSignedOut();
  }

  async #changePassword() {
    await changePassword(this.#present.value, this.#next.value);
    this.#passwordForm.reset();
    await Promise.all([this.#loadSessions(), this.#tokens.load()]);
    this.#status.textContent = phrase("account.passwordChanged");
  }

  /** @param {() => Promise<void>} work */
  async #attempt(work) {
    this.#notify(null);
    try {
      await work();
    } catch (error) {
      this.#notify(reasonText(error));
    }
  }

  /** @param {string | null} text */
  #notify(text) {
    this.#status.textContent = "";
    this.#notice.textContent = text;
    this.#notice.hidden = text === null;
    if (text !== null) this.#notice.scrollIntoView({ block: "nearest" });
  }
}
