// @ts-check
// When a control message goes out, and what it carries.

/** @import { ControlNotification } from "../protocol.generated.d.ts" */
/** @import { HeldButtons } from "./held_buttons.js" */

// The server plays on for 250 ms after the newest control: this keeps it playing, with room for a late one.
const HEARTBEAT_MS = 100;
// As long as the world may still roll after the last input, on a slow server too. Then silence: an idle page costs the
// server nothing.
const GLIDE_MS = 2500;

/**
 * @typedef {object} ControlChannel
 * @property {() => boolean} isClear false while earlier messages wait in the socket: then input gathers here instead
 * @property {(control: ControlNotification) => void} send
 * @property {(ts: number, changed: boolean) => void} onSent `changed`: other buttons than before, or motion
 */

/**
 * Once per animation frame while anything is down or moves; at once when a button goes down or up; a heartbeat while
 * the world glides to rest; nothing after that.
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
   * @param {number} dx pixels, sensitivity included
   * @param {number} dy
   */
  move(dx, dy) {
    this.#dx += dx;
    this.#dy += dy;
  }

  /** Count as activity without input: shows the world once after resume, reset or restore. */
  nudge() {
    this.#lastActive = this.#now();
  }

  /** A button went down or up. It does not wait for the next animation frame. */
  buttonChanged() {
    this.#send();
  }

  /** Once per animation frame. */
  frame() {
    const now = this.#now();
    const active = this.#buttons.any || this.#dx !== 0 || this.#dy !== 0 || this.#lastButtons !== "";
    const gliding = now - this.#lastActive < GLIDE_MS && now - this.#lastSent >= HEARTBEAT_MS;
    if (active || gliding) this.#send();
  }

  /** Let go of everything, and say so when the server still believes that something is held. */
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
