// @ts-check
// When a foot comes down, by what the person holds. No engine tells the page how fast its camera goes.

/** @import { Button } from "./controls/held_buttons.js" */

/** @type {readonly (readonly [Button, Button])[]} who holds both of a pair stands */
const PAIRS = [["W", "S"], ["A", "D"]];
const WALK_MS = 520;
const SPRINT_MS = 330;
const CROUCH_MS = 760;
// The first foot comes down when the camera has begun to move.
const FIRST_SHARE = 0.4;

/**
 * @param {readonly string[]} held
 * @returns {number | null} milliseconds from step to step; null for whoever stands
 */
export function strideMs(held) {
  if (!PAIRS.some(([one, other]) => held.includes(one) !== held.includes(other))) return null;
  if (held.includes("CTRL")) return CROUCH_MS;
  return held.includes("SHIFT") ? SPRINT_MS : WALK_MS;
}

export class Strides {
  /** @type {number | null} */
  #stride = null;
  /** The share of the stride that is done. */
  #done = 0;
  #last = 0;

  /** @param {readonly string[]} held the buttons of the newest control */
  hold(held) {
    const stride = strideMs(held);
    if (stride !== null && this.#stride === null) this.#done = 1 - FIRST_SHARE;
    this.#stride = stride;
  }

  /**
   * To be called once per animation frame.
   *
   * @param {number} now milliseconds
   * @returns {boolean} whether a foot comes down now
   */
  frame(now) {
    const elapsed = now - this.#last;
    this.#last = now;
    if (this.#stride === null) return false;
    this.#done += elapsed / this.#stride;
    if (this.#done < 1) return false;
    // A page that stood still for a while does not catch up on steps.
    this.#done %= 1;
    return true;
  }
}
