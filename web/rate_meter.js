// @ts-check
// A rate over the last moments: frames or bytes per second.

export class RateMeter {
  /** @type {{ at: number, amount: number }[]} */
  #events = [];
  #windowMs;

  /** @param {number} windowMs */
  constructor(windowMs = 1500) {
    this.#windowMs = windowMs;
  }

  /**
   * @param {number} now
   * @param {number} amount
   */
  add(now, amount = 1) {
    this.#events.push({ at: now, amount });
    this.#forget(now);
  }

  /**
   * @param {number} now
   * @returns {number} per second
   */
  rate(now) {
    this.#forget(now);
    const total = this.#events.reduce((sum, event) => sum + event.amount, 0);
    return (total * 1000) / this.#windowMs;
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
