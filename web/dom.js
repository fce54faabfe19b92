// @ts-check
// Small helpers for the document.

/**
 * @template {Element} E
 * @param {string} id
 * @param {new (...parameters: any[]) => E} type
 * @returns {E}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} #${id}.`);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{ className?: string, text?: string, children?: Node[] } & Record<string, unknown>} [options] other keys are
 *   properties of the element
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, { className = "", text, children = [], ...properties } = {}) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/**
 * Run the handler of the `[data-action]` that is clicked, anywhere in the page.
 *
 * @param {Readonly<Record<string, (element: HTMLElement) => void>>} actions
 */
export function listenForActions(actions) {
  document.addEventListener("click", (event) => {
    const element = event.target instanceof Element ? event.target.closest("[data-action]") : null;
    if (element instanceof HTMLElement) actions[element.dataset.action ?? ""]?.(element);
  });
}
