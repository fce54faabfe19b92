// @ts-check
// The tokens of a person, with which programs act for them. Each is shown once, when it is made.

import { createToken, fetchTokens, revokeToken } from "./account_rest.js";
import { tokenText } from "./account_texts.js";
import { byId, make } from "./dom.js";
import { RowList } from "./row_list.js";
import { SecretNote } from "./secret_note.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";

/** @import { ApiToken, Role, Scope } from "./account_rest.js" */

/** @type {readonly Scope[]} */
const SCOPES = ["read", "play", "create", "manage", "admin"];
/** @type {ReadonlySet<Scope>} those that are ticked at first */
const USUAL = new Set(/** @type {const} */ (["read", "play"]));

export class TokenSection {
  #attempt;
  #form = byId("token-form", HTMLFormElement);
  #name = byId("token-name", HTMLInputElement);
  #expiry = byId("token-expiry", HTMLSelectElement);
  #scopes = byId("token-scopes", HTMLElement);
  #list = new RowList(byId("account-tokens", HTMLElement), this.#name, "account-token");
  #secret = new SecretNote(phrase("account.newToken"), this.#name);

  /** @param {(work: () => Promise<void>) => Promise<void>} attempt tells what goes wrong */
  constructor(attempt) {
    this.#attempt = attempt;
    this.#form.before(this.#secret.element);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(() => this.#create());
    });
  }

  async load() {
    const tokens = await fetchTokens();
    byId("tokens-empty", HTMLElement).hidden = tokens.length > 0;
    this.#list.show(tokens.map((token) => this.#rowOf(token)));
  }

  /** @param {Role} role of the person: a token can do no more than they can */
  offerScopes(role) {
    const offered = SCOPES.filter((scope) => scope !== "admin" || role === "owner");
    const boxes = offered.map((scope) => {
      const box = make("input", { type: "checkbox", value: scope, checked: USUAL.has(scope) });
      box.dataset.testid = `scope-${scope}`;
      return make("label", { className: "check", children: [box, make("span", { text: phrase(`scopes.${scope}`) })] });
    });
    this.#scopes.replaceChildren(...boxes);
  }

  hideSecret() {
    this.#secret.hide();
  }

  async #create() {
    const boxes = [...this.#scopes.querySelectorAll("input")];
    const scopes = /** @type {Scope[]} */ (boxes.filter(({ checked }) => checked).map(({ value }) => value));
    const days = this.#expiry.value === "" ? null : Number(this.#expiry.value);
    const { token } = await createToken(this.#name.value.trim(), scopes, days);
    this.#name.value = "";
    this.#secret.show(token, phrase("account.takeToken"));
    await this.load();
  }

  /** @param {ApiToken} token */
  #rowOf(token) {
    const revoke = sureButton({
      text: phrase("account.revoke"),
      sureText: phrase("account.revokeSure"),
      about: token.name,
      testId: "token-revoke",
      onSure: () =>
        void this.#attempt(async () => {
          await revokeToken(token.id);
          await this.load();
        }),
    });
    return { key: token.id, title: token.name, text: tokenText(token, Date.now()), controls: [revoke] };
  }
}
