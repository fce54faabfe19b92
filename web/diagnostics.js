// @ts-check
// Collects everything worth attaching to a bug report as one JSON text, and offers it to the person.

import { byId } from "./dom.js";
import { phrase } from "./texts/texts.js";

/** @import { Examination } from "./doctor_rest.js" */
/** @import { FiguresReading } from "./figures.js" */
/** @import { LogBook } from "./log_book.js" */
/** @import { Problem } from "./problems.js" */
/** @import { StageId, SystemInfo } from "./protocol.generated.d.ts" */
/** @import { Health } from "./rest.js" */
/** @import { Settings } from "./settings.js" */

/**
 * @typedef {object} DiagnosticsSource
 * @property {string} screen
 * @property {StageId | null} lastStage
 * @property {Problem | null} lastProblem
 * @property {SystemInfo | null} systemInfo
 * @property {Health | null} health
 * @property {Examination | null} doctor if the server was looked over since the page was opened
 * @property {FiguresReading} figures
 * @property {Settings} settings
 * @property {LogBook} log
 */

/** @param {DiagnosticsSource} source */
export function diagnosticsText({ log, lastProblem, ...rest }) {
  const { snapshot = null, ...lastError } = lastProblem ?? {};
  const report = {
    madeAt: new Date().toISOString(),
    ...rest,
    lastError: lastProblem && lastError,
    lastErrorSnapshot: snapshot,
    userAgent: navigator.userAgent,
    window: { width: innerWidth, height: innerHeight, pixelRatio: devicePixelRatio },
    pageLog: log.page.map(({ source: _, ...entry }) => entry),
    serverLog: log.server.map(({ source: _, ...entry }) => entry),
  };
  return JSON.stringify(report, null, 2);
}

/**
 * Copy the text to the clipboard. If that is not allowed, show it in a box to select from.
 *
 * @param {string} text
 * @param {HTMLElement} button shows that it worked
 */
export async function handOver(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    const label = button.textContent;
    button.textContent = phrase("common.copied");
    setTimeout(() => (button.textContent = label), 1600);
  } catch {
    const area = byId("diagnostics-text", HTMLTextAreaElement);
    area.value = text;
    byId("diagnostics", HTMLDialogElement).showModal();
    area.select();
  }
}
