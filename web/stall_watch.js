// @ts-check
// Detects a connection that is open but silent: input is sent, but no frames arrive.

const HINT_MS = 3000;
const LOST_MS = 20_000;

/** @typedef {"flowing" | "waiting" | "lost"} Flow */

export class StallWatch {
  #waitingSince = Number.POSITIVE_INFINITY;

  /** @param {number} now */
  controlSent(now) {
    this.#waitingSince = Math.min(this.#waitingSince, now);
  }

  /** To be called when a frame arrives, or when none is expected any more. */
  clear() {
    this.#waitingSince = Number.POSITIVE_INFINITY;
  }

  /**
   * @param {number} now
   * @returns {Flow}
   */
  flow(now) {
    const waited = now - this.#waitingSince;
    if (waited > LOST_MS) return "lost";
    return waited > HINT_MS ? "waiting" : "flowing";
  }
}
