// @ts-check
// Computes when each sub-frame of a pass is due on the screen.

const SMOOTHING = 0.2;
const GAP_MS = 500;
const GAP_RATIO = 5;
const LONGEST_INTERVAL_MS = 1000;
// A sub-frame that is due within this time is drawn now, because the screen's rate never matches the world's exactly.
const SLACK_MS = 4;

/**
 * Spreads the sub-frames of a pass over the expected interval until the next pass. It buffers nothing: the first
 * sub-frame is drawn as soon as possible. The interval is the moving average of arrivals, so the pace is right even if
 * the link is slower than the world.
 */
export class Pacer {
  #interval = 0;
  #lastArrival = Number.NEGATIVE_INFINITY;

  /** The expected milliseconds from one pass to the next; 0 before any is known. */
  get interval() {
    return this.#interval;
  }

  /**
   * @param {number} receivedAt milliseconds
   * @param {number} genMs the server's interval between passes; 0 if it is unknown
   * @param {number} count sub-frames in the pass
   * @returns {number} milliseconds from each sub-frame to the next
   */
  arrived(receivedAt, genMs, count) {
    const gap = receivedAt - this.#lastArrival;
    this.#lastArrival = receivedAt;
    if (this.#isDiscontinuity(gap)) {
      // After a pause, the gap says nothing about the pace that follows. The server's interval does.
      this.#interval = genMs > 0 ? Math.min(genMs, LONGEST_INTERVAL_MS) : this.#interval;
    } else {
      this.#interval += SMOOTHING * (gap - this.#interval);
    }
    return this.#interval / Math.max(count, 1);
  }

  /** To be called for another world or another connection. */
  restart() {
    this.#interval = 0;
    this.#lastArrival = Number.NEGATIVE_INFINITY;
  }

  /** @param {number} gap */
  #isDiscontinuity(gap) {
    return gap > GAP_MS || this.#interval === 0 || gap > GAP_RATIO * this.#interval;
  }
}

/**
 * The sub-frame to draw now: the newest that is decoded, due, and newer than the one on the screen.
 *
 * @param {readonly unknown[]} decoded null where a sub-frame is not decoded yet
 * @param {number} shown index on the screen, -1 for none
 * @param {number} step milliseconds from each sub-frame to the next
 * @param {number} elapsed milliseconds since the first one was drawn
 * @returns {number} index, or -1 to draw nothing
 */
export function newestDue(decoded, shown, step, elapsed) {
  const reach = elapsed + Math.min(SLACK_MS, step / 4);
  for (let index = decoded.length - 1; index > shown; index -= 1) {
    if (index * step <= reach && decoded[index]) return index;
  }
  return -1;
}
