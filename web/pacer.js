// @ts-check
// When each sub-frame of a pass is due on the screen.

const SMOOTHING = 0.2;
const GAP_MS = 500;
const GAP_RATIO = 5;
const LONGEST_INTERVAL_MS = 1000;

/**
 * Spreads a pass over the interval in which the next one is expected, and buffers nothing: the first sub-frame is due on
 * arrival. The interval is the moving average of arrivals, so that a link slower than the world is paced right as well.
 */
export class Pacer {
  #interval = 0;
  #lastArrival = Number.NEGATIVE_INFINITY;

  /** The expected milliseconds from one pass to the next; 0 before anything is known. */
  get interval() {
    return this.#interval;
  }

  /**
   * @param {number} receivedAt milliseconds
   * @param {number} genMs the server's own interval between passes; 0 when it does not know
   * @param {number} count sub-frames in the pass
   * @returns {number[]} due time of each sub-frame, on the clock of `receivedAt`
   */
  schedule(receivedAt, genMs, count) {
    const gap = receivedAt - this.#lastArrival;
    this.#lastArrival = receivedAt;
    if (this.#isDiscontinuity(gap)) {
      // The wait says nothing about the pace that follows it: the server's own figure does.
      this.#interval = genMs > 0 ? Math.min(genMs, LONGEST_INTERVAL_MS) : this.#interval;
    } else {
      this.#interval += SMOOTHING * (gap - this.#interval);
    }
    const step = this.#interval / Math.max(count, 1);
    return Array.from({ length: count }, (_, index) => receivedAt + step * index);
  }

  /** Forget the past: another world, or another connection. */
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
 * The sub-frame to draw now: the newest that is due and decoded, and newer than the one shown.
 *
 * @param {readonly number[]} dueAt
 * @param {readonly unknown[]} decoded null where a sub-frame is not decoded yet
 * @param {number} shown index on the screen, -1 for none
 * @param {number} now
 * @returns {number} index, or -1 to leave the screen as it is
 */
export function newestDue(dueAt, decoded, shown, now) {
  for (let index = dueAt.length - 1; index > shown; index -= 1) {
    if ((dueAt[index] ?? Infinity) <= now && decoded[index]) return index;
  }
  return -1;
}
