// @ts-check
// Who the visitor is, as the server says.

import { fetchAccount } from "./account_rest.js";

/** @import { AccountState } from "./account_rest.js" */

/** @type {AccountState} a server without accounts, on this machine */
const UNKNOWN = { accounts: false, setup: false, user: null, how: "machine", mayEnter: true };

export class Identity {
  #state = UNKNOWN;
  #onChanged;

  /** @param {() => void} onChanged */
  constructor(onChanged) {
    this.#onChanged = onChanged;
  }

  /** @throws {RestError} */
  async refresh() {
    this.#state = await fetchAccount();
    this.#onChanged();
  }

  get hasAccounts() {
    return this.#state.accounts;
  }

  /** Whether the server has no owner yet. */
  get isUnclaimed() {
    return this.#state.setup;
  }

  /** Who is signed in. */
  get user() {
    return this.#state.user;
  }

  /** Whether the visitor may see people, and the server's settings. */
  get isOwner() {
    const { user, how } = this.#state;
    return user ? user.role === "owner" : how === "machine";
  }

  /** Whether nothing can be done before somebody signs in. */
  get mustSignIn() {
    return !this.#state.mayEnter;
  }
}
