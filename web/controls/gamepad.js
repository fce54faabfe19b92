// @ts-check
// A gamepad with the standard layout, polled once per animation frame.

/** @import { Button, HeldButtons } from "./held_buttons.js" */

/** @type {readonly (readonly [number, Button])[]} by index in `Gamepad.buttons` */
const BUTTONS = [
  [0, "SPACE"],
  [2, "E"],
  [6, "MOUSE_RIGHT"],
  [7, "MOUSE_LEFT"],
  [10, "SHIFT"],
  [11, "CTRL"],
  [12, "W"],
  [13, "S"],
  [14, "A"],
  [15, "D"],
];
const START = 9;
const DEAD_ZONE = 0.25;
const TRIGGER = 0.4;
// Equals 18 px per frame on a screen with 60 Hz, whatever the rate of this screen.
const LOOK_PX_PER_MS = (18 * 60) / 1000;
const LONGEST_FRAME_MS = 100;

export class GamepadInput {
  #buttons;
  #onMove;
  #onStart;
  #startWasDown = false;
  #lastPoll = 0;

  /**
   * @param {HeldButtons} buttons
   * @param {(dx: number, dy: number) => void} onMove
   * @param {() => void} onStart
   */
  constructor(buttons, onMove, onStart) {
    this.#buttons = buttons;
    this.#onMove = onMove;
    this.#onStart = onStart;
  }

  /** @param {number} now */
  poll(now) {
    const elapsed = Math.min(now - this.#lastPoll, LONGEST_FRAME_MS);
    this.#lastPoll = now;
    const pad = navigator.getGamepads?.().find((candidate) => candidate?.mapping === "standard");
    if (!pad) return;
    for (const [index, button] of BUTTONS) {
      this.#buttons.set(button, `pad${index}`, (pad.buttons[index]?.value ?? 0) > TRIGGER);
    }
    this.#walk(axis(pad, 0), axis(pad, 1));
    const [lookX, lookY] = [axis(pad, 2), axis(pad, 3)];
    if (lookX || lookY) this.#onMove(lookX * LOOK_PX_PER_MS * elapsed, lookY * LOOK_PX_PER_MS * elapsed);
    const startIsDown = pad.buttons[START]?.pressed ?? false;
    if (startIsDown && !this.#startWasDown) this.#onStart();
    this.#startWasDown = startIsDown;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #walk(x, y) {
    this.#buttons.set("A", "stick", x < 0);
    this.#buttons.set("D", "stick", x > 0);
    this.#buttons.set("W", "stick", y < 0);
    this.#buttons.set("S", "stick", y > 0);
  }
}

/**
 * @param {Gamepad} pad
 * @param {number} index
 * @returns {number} -1 to 1, 0 within the dead zone
 */
function axis(pad, index) {
  const value = pad.axes[index] ?? 0;
  const beyond = (Math.abs(value) - DEAD_ZONE) / (1 - DEAD_ZONE);
  return beyond > 0 ? Math.sign(value) * beyond : 0;
}
