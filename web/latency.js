// @ts-check
// Input-to-frame latency: the time from a change of keys or mouse to the first drawn frame that has used it.

const PENDING_LIMIT = 256;
const SAMPLE_LIMIT = 300;

/** @typedef {{ p50: number, p95: number, count: number }} LatencySummary milliseconds */

export class LatencyTracker {
  /** @type {number[]} times of controls with a change that no drawn frame has used yet, oldest first */
  #pending = [];
  /** @type {number[]} */
  #samples = [];

  /**
   * @param {number} ts the control's own `ts`
   * @param {boolean} changed its buttons differ from the previous control's, or it contains motion
   */
  controlSent(ts, changed) {
    if (!changed) return;
    this.#pending.push(ts);
    if (this.#pending.length > PENDING_LIMIT) this.#pending.shift();
  }

  /**
   * @param {number} clientTs time of the newest control that the drawn frame has used, 0 for none
   * @param {number} now
   */
  drawn(clientTs, now) {
    while (this.#pending[0] !== undefined && this.#pending[0] <= clientTs) {
      this.#samples.push(now - this.#pending[0]);
      this.#pending.shift();
    }
    if (this.#samples.length > SAMPLE_LIMIT) this.#samples.splice(0, this.#samples.length - SAMPLE_LIMIT);
  }

  /** Forget the changes that a pause or a lost connection left unanswered; they do not count as latency. */
  dropPending() {
    this.#pending = [];
  }

  restart() {
    this.#pending = [];
    this.#samples = [];
  }

  /** @returns {LatencySummary | null} null before the first sample */
  summary() {
    if (this.#samples.length === 0) return null;
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), count: sorted.length };
  }
}

/**
 * Nearest rank.
 *
 * @param {readonly number[]} sorted not empty
 * @param {number} fraction
 */
export function percentile(sorted, fraction) {
  const rank = Math.min(Math.max(Math.ceil(fraction * sorted.length), 1), sorted.length);
  return sorted[rank - 1] ?? Number.NaN;
}
