// @ts-check
// Lets Tab go round inside a modal dialog. The browser alone would let it leave to its own buttons.

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]:not([tabindex='-1'])";

/** @param {HTMLDialogElement} dialog */
export function keepFocusInside(dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.code === "Tab") goRound(dialog, event);
  });
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {KeyboardEvent} event
 */
function goRound(dialog, event) {
  const focusable = focusableIn(dialog);
  const edge = focusable.at(event.shiftKey ? 0 : -1);
  const isAtEdge = document.activeElement === edge || document.activeElement === dialog;
  const next = focusable.at(event.shiftKey ? -1 : 0);
  if (!isAtEdge || !next) return;
  event.preventDefault();
  next.focus();
}

/**
 * Move the focus as Tab does, round and round.
 *
 * @param {Element} view
 * @param {1 | -1} step
 */
export function moveFocus(view, step) {
  const focusable = focusableIn(view);
  const index = focusable.findIndex((element) => element === document.activeElement);
  const next = index < 0 && step < 0 ? -1 : (index + step) % focusable.length;
  focusable.at(next)?.focus({ focusVisible: true });
}

/**
 * @param {Element} view
 * @returns {HTMLElement[]} in the order of the page
 */
function focusableIn(view) {
  const elements = [...view.querySelectorAll(FOCUSABLE)].filter((element) => element instanceof HTMLElement);
  return elements.filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches(":disabled"));
}
