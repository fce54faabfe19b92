// @ts-check
// Measures a recent rate, such as frames or bytes per second.

// Over a shorter time, a rate is meaningless.
const SHORTEST_MS = 250;

export class RateMeter {
  /** @type {{ at: number, amount: number }[]} */
  #events = [];
  #windowMs;
  /** When the present stream began. The time before it must not lower the rate. */
  #since = 0;

  /** @param {number} windowMs */
  constructor(windowMs = 1500) {
    this.#windowMs = windowMs;
  }

  /**
   * @param {number} now
   * @param {number} amount
   */
  add(now, amount = 1) {
    this.#forget(now);
    if (this.#events.length === 0) this.#since = now;
    this.#events.push({ at: now, amount });
  }

  /**
   * @param {number} now
   * @returns {number} per second
   */
  rate(now) {
    this.#forget(now);
    const total = this.#events.reduce((sum, event) => sum + event.amount, 0);
    return (total * 1000) / Math.min(Math.max(now - this.#since, SHORTEST_MS), this.#windowMs);
  }

  restart() {
    this.#events = [];
  }

  /** @param {number} now */
  #forget(now) {
    const first = this.#events.findIndex((event) => event.at > now - this.#windowMs);
    this.#events.splice(0, first < 0 ? this.#events.length : first);
  }
}
