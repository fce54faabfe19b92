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
  const focusable = [...dialog.querySelectorAll(FOCUSABLE)].filter(
    (element) => element instanceof HTMLElement && element.checkVisibility() && !element.matches(":disabled"),
  );
  const edge = focusable.at(event.shiftKey ? 0 : -1);
  const isAtEdge = document.activeElement === edge || document.activeElement === dialog;
  const next = focusable.at(event.shiftKey ? -1 : 0);
  if (!isAtEdge || !(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}
