// @ts-check
// Measurements of the stream: rates, latency, losses, and the newest header.

import { LatencyTracker } from "./latency.js";
import { RateMeter } from "./rate_meter.js";

/** @import { FrameHeader } from "./protocol.generated.d.ts" */
/** @import { LatencySummary } from "./latency.js" */

/**
 * @typedef {object} FiguresReading
 * @property {number} fps sub-frames drawn per second
 * @property {number} framesDrawn
 * @property {LatencySummary | null} latency
 * @property {number} bytesPerSecond
 * @property {number} passesReceived
 * @property {number} skippedHere passes that arrived and were never drawn
 * @property {number} skippedByServer passes that newer ones replaced before they were sent
 * @property {FrameHeader | null} header of the newest pass
 */

export class Figures {
  latency = new LatencyTracker();
  #drawn = new RateMeter();
  #bytes = new RateMeter();
  #framesDrawn = 0;
  #passesReceived = 0;
  #skippedByServer = 0;
  /** @type {FrameHeader | null} */
  #header = null;

  /**
   * @param {FrameHeader} header
   * @param {number} bytes
   * @param {number} now
   */
  arrived(header, bytes, now) {
    if (this.#header) {
      const perPass = Math.max(this.#header.temporal_compression, 1);
      const missing = (header.frame_id - this.#header.frame_id) / perPass - 1;
      // After a reset the numbers start over, which is not a loss.
      if (missing > 0) this.#skippedByServer += Math.floor(missing);
    }
    this.#header = header;
    this.#passesReceived += 1;
    this.#bytes.add(now, bytes);
  }

  /**
   * @param {FrameHeader} header
   * @param {number} now
   */
  drawn(header, now) {
    this.#framesDrawn += 1;
    this.#drawn.add(now);
    this.latency.drawn(header.client_ts, now);
  }

  restart() {
    this.latency.restart();
    this.#drawn.restart();
    this.#bytes.restart();
    this.#framesDrawn = this.#passesReceived = this.#skippedByServer = 0;
    this.#header = null;
  }

  /**
   * @param {number} now
   * @param {number} skippedHere
   * @returns {FiguresReading}
   */
  read(now, skippedHere) {
    return {
      fps: this.#drawn.rate(now),
      framesDrawn: this.#framesDrawn,
      latency: this.latency.summary(),
      bytesPerSecond: this.#bytes.rate(now),
      passesReceived: this.#passesReceived,
      skippedHere,
      skippedByServer: this.#skippedByServer,
      header: this.#header,
    };
  }
}
