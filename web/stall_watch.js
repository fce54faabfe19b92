// @ts-check
// Notices a connection that is open and silent: input goes up and no frame comes down.

const HINT_MS = 3000;
const LOST_MS = 20_000;

/** @typedef {"flowing" | "waiting" | "lost"} Flow */

export class StallWatch {
  #waitingSince = Number.POSITIVE_INFINITY;

  /** @param {number} now */
  controlSent(now) {
    this.#waitingSince = Math.min(this.#waitingSince, now);
  }

  /** A frame came, or none is expected any more. */
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
