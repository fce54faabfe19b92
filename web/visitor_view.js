// @ts-check
// What of the page is there for whom: `data-for` names those to whom an element is shown.

/** @import { Identity } from "./identity.js" */

/** @param {Identity} identity */
export function showVisitor(identity) {
  const { user, isOwner, hasAccounts, mustSignIn } = identity;
  /** @type {Readonly<Record<string, boolean>>} */
  const isShown = {
    owner: isOwner,
    "owner-of-accounts": isOwner && hasAccounts,
    person: user !== null,
    stranger: hasAccounts && user === null && !mustSignIn,
  };
  for (const element of document.querySelectorAll("[data-for]")) {
    if (element instanceof HTMLElement) element.hidden = !isShown[element.dataset.for ?? ""];
  }
  for (const element of document.querySelectorAll("[data-person-name]")) element.textContent = user?.name ?? "";
}
