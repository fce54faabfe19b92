// @ts-check
// Whether somebody has shown that they know how to play, after which no hint is needed any more.

/** @import { ControlNotification } from "./protocol.generated.d.ts" */

const WALKING = new Set(["W", "A", "S", "D"]);
const TURNING = new Set(["LEFT", "RIGHT", "UP", "DOWN"]);

export class FirstHint {
  #hasWalked = false;
  #hasLooked = false;

  /** Whether both have been done. */
  get isLearnt() {
    return this.#hasWalked && this.#hasLooked;
  }

  /** @param {Pick<ControlNotification, "buttons" | "mouse_dx" | "mouse_dy">} control that the person has given */
  saw({ buttons = [], mouse_dx = 0, mouse_dy = 0 }) {
    this.#hasWalked ||= buttons.some((button) => WALKING.has(button));
    this.#hasLooked ||= mouse_dx !== 0 || mouse_dy !== 0 || buttons.some((button) => TURNING.has(button));
  }
}
