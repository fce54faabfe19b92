// @ts-check
// The overlay with measurements.

import { make } from "./dom.js";

/** @import { FiguresReading } from "./figures.js" */
/** @import { FrameHeader } from "./protocol.generated.d.ts" */

const REFRESH_MS = 250;

/** @type {readonly (readonly [string, (header: FrameHeader) => number | undefined])[]} */
const SERVER_TIMES = [
  ["Pass interval", (header) => header.gen_ms],
  ["Inference", (header) => header.t_infer_ms],
  ["Synchronise", (header) => header.t_sync_ms],
  ["Encode", (header) => header.t_enc_ms],
  ["Metrics", (header) => header.t_metrics_ms],
  ["Overhead", (header) => header.t_overhead_ms],
];

export class Overlay {
  #element;
  #lastRefresh = Number.NEGATIVE_INFINITY;

  /** @param {HTMLElement} element a description list */
  constructor(element) {
    this.#element = element;
  }

  /** @param {boolean} isShown */
  show(isShown) {
    this.#element.hidden = !isShown;
    this.#lastRefresh = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param {number} now
   * @param {() => FiguresReading} read
   */
  frame(now, read) {
    if (this.#element.hidden || now - this.#lastRefresh < REFRESH_MS) return;
    this.#lastRefresh = now;
    this.#element.replaceChildren(
      ...rowsOf(read()).map(([label, value]) =>
        make("div", { children: [make("dt", { text: label }), make("dd", { text: value })] }),
      ),
    );
  }
}

/**
 * @param {FiguresReading} figures
 * @returns {[string, string][]}
 */
function rowsOf(figures) {
  const { header, latency } = figures;
  /** @type {[string, string][]} */
  const rows = [
    ["Frames drawn", `${figures.fps.toFixed(0)} / s`],
    ["Input to frame", latency ? `${latency.p50.toFixed(0)} ms, p95 ${latency.p95.toFixed(0)} ms` : "–"],
    ["Bandwidth", `${((figures.bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`],
    ["Passes skipped", `${figures.skippedHere} here, ${figures.skippedByServer} by server`],
  ];
  if (!header) return rows;
  for (const [label, read] of SERVER_TIMES) {
    const ms = read(header);
    if (ms !== undefined) rows.push([label, `${ms.toFixed(1)} ms`]);
  }
  if (header.codec === "h264") rows.push(["Pictures", `H.264, CRF ${header.crf}`]);
  else if (header.quality !== undefined) rows.push(["Pictures", `JPEG, quality ${header.quality}`]);
  if (header.vram_used_bytes >= 0) rows.push(["GPU memory", `${(header.vram_used_bytes / 2 ** 30).toFixed(1)} GiB`]);
  if (header.gpu_util_percent >= 0) rows.push(["GPU load", `${header.gpu_util_percent} %`]);
  return rows;
}
