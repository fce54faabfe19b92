// @ts-check
// The overlay with measurements.

import { make } from "./dom.js";
import { phrase } from "./texts/texts.js";

/** @import { FiguresReading } from "./figures.js" */
/** @import { LatencySummary } from "./latency.js" */
/** @import { FrameHeader } from "./protocol.generated.d.ts" */

const REFRESH_MS = 250;

/** @type {readonly (readonly [string, (header: FrameHeader) => number | undefined])[]} */
const SERVER_TIMES = [
  [phrase("overlay.interval"), (header) => header.gen_ms],
  [phrase("overlay.inference"), (header) => header.t_infer_ms],
  [phrase("overlay.synchronise"), (header) => header.t_sync_ms],
  [phrase("overlay.encode"), (header) => header.t_enc_ms],
  [phrase("overlay.metrics"), (header) => header.t_metrics_ms],
  [phrase("overlay.overhead"), (header) => header.t_overhead_ms],
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
    [phrase("overlay.drawn"), phrase("overlay.perSecond", { count: figures.fps.toFixed(0) })],
    [phrase("overlay.inputToFrame"), latency ? latencyText(latency) : "–"],
    [phrase("overlay.bandwidth"), `${((figures.bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`],
    [phrase("overlay.skipped"), phrase("overlay.skippedWhere", { here: figures.skippedHere, server: figures.skippedByServer })],
  ];
  if (!header) return rows;
  for (const [label, read] of SERVER_TIMES) {
    const ms = read(header);
    if (ms !== undefined) rows.push([label, `${ms.toFixed(1)} ms`]);
  }
  if (header.codec === "h264") rows.push([phrase("overlay.pictures"), `H.264, CRF ${header.crf}`]);
  else if (header.quality !== undefined) rows.push([phrase("overlay.pictures"), phrase("overlay.jpeg", { quality: header.quality })]);
  if (header.vram_used_bytes >= 0) rows.push([phrase("overlay.gpuMemory"), `${(header.vram_used_bytes / 2 ** 30).toFixed(1)} GiB`]);
  if (header.gpu_util_percent >= 0) rows.push([phrase("overlay.gpuLoad"), `${header.gpu_util_percent} %`]);
  return rows;
}

/** @param {LatencySummary} latency */
function latencyText({ p50, p95 }) {
  return phrase("overlay.latency", { median: p50.toFixed(0), slow: p95.toFixed(0) });
}
