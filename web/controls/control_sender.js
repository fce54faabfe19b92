// @ts-check
// Decides when a control message is sent, and what it contains.

/** @import { ControlNotification } from "../protocol.generated.d.ts" */
/** @import { HeldButtons } from "./held_buttons.js" */

// The server goes on for 250 ms after the newest control. This interval keeps it going even if a control is late.
const HEARTBEAT_MS = 100;
// How long the world may still move after the last input, even on a slow server. After that nothing is sent, so that an
// idle page costs the server nothing.
const GLIDE_MS = 2500;

/**
 * @typedef {object} ControlChannel
 * @property {() => boolean} isClear false while earlier messages wait in the socket; then input is collected here
 * @property {(control: ControlNotification) => void} send
 * @property {(ts: number, changed: boolean) => void} onSent `changed`: there was motion, or other buttons than before
 */

/**
 * Sends a control per animation frame while any button is down or the mouse moves, and at once when a button goes down
 * or up. While the world comes to rest it sends a heartbeat, and after that nothing.
 */
export class ControlSender {
  #buttons;
  #channel;
  #now;
  #dx = 0;
  #dy = 0;
  #lastButtons = "";
  #lastSent = Number.NEGATIVE_INFINITY;
  #lastActive = Number.NEGATIVE_INFINITY;

  /**
   * @param {HeldButtons} buttons
   * @param {ControlChannel} channel
   * @param {() => number} now milliseconds
   */
  constructor(buttons, channel, now) {
    this.#buttons = buttons;
    this.#channel = channel;
    this.#now = now;
  }

  /**
   * @param {number} dx pixels, multiplied by the sensitivity
   * @param {number} dy
   */
  move(dx, dy) {
    this.#dx += dx;
    this.#dy += dy;
  }

  /** Count as activity without input, so that the world is shown once after a resume, reset or restore. */
  nudge() {
    this.#lastActive = this.#now();
  }

  /** To be called when a button goes down or up. Sends without waiting for the next animation frame. */
  buttonChanged() {
    this.#send();
  }

  /** To be called once per animation frame. */
  frame() {
    const now = this.#now();
    const active = this.#buttons.any || this.#dx !== 0 || this.#dy !== 0 || this.#lastButtons !== "";
    const gliding = now - this.#lastActive < GLIDE_MS && now - this.#lastSent >= HEARTBEAT_MS;
    if (active || gliding) this.#send();
  }

  /** Release all buttons, and tell the server if it still considers one held. */
  releaseAll() {
    this.#buttons.releaseAll();
    this.#dx = 0;
    this.#dy = 0;
    if (this.#lastButtons !== "") this.#send();
  }

  #send() {
    if (!this.#channel.isClear()) return;
    const ts = this.#now();
    const buttons = this.#buttons.take();
    const moved = this.#dx !== 0 || this.#dy !== 0;
    const changed = moved || buttons.join() !== this.#lastButtons;
    this.#channel.send({ type: "control", buttons, mouse_dx: round(this.#dx), mouse_dy: round(this.#dy), ts });
    this.#channel.onSent(ts, changed);
    if (changed || buttons.length > 0) this.#lastActive = ts;
    this.#lastButtons = buttons.join();
    this.#lastSent = ts;
    this.#dx = 0;
    this.#dy = 0;
  }
}

/** @param {number} pixels */
function round(pixels) {
  return Math.round(pixels * 100) / 100;
}
