// @ts-check
// Short messages that disappear by themselves.

import { byId, make } from "./dom.js";

const SHOWN_MS = 7000;

export function clearToasts() {
  byId("toasts", HTMLElement).replaceChildren();
}

/**
 * @param {string} text
 * @param {"info" | "error"} kind
 */
export function toast(text, kind = "info") {
  const host = byId("toasts", HTMLElement);
  const element = make("p", { className: "toast", text });
  element.dataset.kind = kind;
  host.append(element);
  while (host.childElementCount > 3) host.firstElementChild?.remove();
  setTimeout(() => element.remove(), SHOWN_MS);
}
