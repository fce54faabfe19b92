// @ts-check
// The mouse: looks around under pointer lock, or by dragging if the lock is refused. Also its buttons and wheel.

/** @import { Button, HeldButtons } from "./held_buttons.js" */

/** @type {readonly (Button | undefined)[]} by `MouseEvent.button` */
const MOUSE_BUTTONS = ["MOUSE_LEFT", "MOUSE_MIDDLE", "MOUSE_RIGHT", "MOUSE_X1", "MOUSE_X2"];
const NOTCH_PX = 100;
const NOTCH_LINES = 3;
const CLICK_MS = 250;
const CLICK_PX = 5;

/**
 * @typedef {object} PointerListener
 * @property {(dx: number, dy: number) => void} onMove pixels of the device
 * @property {() => void} onChange a button or a wheel notch has changed the held buttons
 * @property {(locked: boolean) => void} onLock
 */

export class Pointer {
  #target;
  #buttons;
  #listener;
  #wheel = 0;
  /** @type {{ at: number, travelled: number } | null} */
  #drag = null;
  #hasLocked = false;
  /** @type {AbortSignal | null} */
  #end = null;

  /**
   * @param {HTMLElement} target
   * @param {HeldButtons} buttons
   * @param {PointerListener} listener
   */
  constructor(target, buttons, listener) {
    this.#target = target;
    this.#buttons = buttons;
    this.#listener = listener;
  }

  get isLocked() {
    return document.pointerLockElement === this.#target;
  }

  /** @param {AbortSignal} signal ends it */
  listen(signal) {
    this.#drag = null;
    this.#wheel = 0;
    this.#hasLocked = false;
    this.#end = signal;
    const target = this.#target;
    target.addEventListener("pointerdown", (event) => this.#capture(event), { signal });
    target.addEventListener("mousedown", (event) => this.#down(event), { signal });
    window.addEventListener("mouseup", (event) => this.#up(event), { signal });
    window.addEventListener("mousemove", (event) => this.#moved(event), { signal });
    target.addEventListener("wheel", (event) => this.#scrolled(event), { signal, passive: false });
    target.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    document.addEventListener("pointerlockchange", () => this.#lockChanged(), { signal });
  }

  /** Request pointer lock. If it is refused, dragging looks around, and the next click requests it again. */
  async lock() {
    if (this.isLocked || !this.#target.requestPointerLock) return;
    try {
      // Raw motion, because with the system's acceleration the angle of a turn would depend on its speed.
      await this.#target.requestPointerLock({ unadjustedMovement: true });
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotSupportedError") await this.#lockAdjusted();
    }
    // The lock was granted too late. A menu is open by now and needs the pointer.
    if (this.#end?.aborted) this.unlock();
  }

  async #lockAdjusted() {
    try {
      await this.#target.requestPointerLock();
    } catch {
      // The lock was refused, so dragging looks around.
    }
  }

  unlock() {
    if (this.isLocked) document.exitPointerLock();
  }

  #lockChanged() {
    // The end of an earlier lock may be reported late. Ignore it.
    if (!this.isLocked && !this.#hasLocked) return;
    this.#hasLocked = this.isLocked;
    if (this.isLocked) this.#drag = null;
    this.#listener.onLock(this.isLocked);
  }

  /** @param {PointerEvent} event */
  #capture(event) {
    // So that a drag continues outside the window.
    if (event.pointerType === "mouse" && !this.isLocked) this.#target.setPointerCapture(event.pointerId);
  }

  /** @param {MouseEvent} event */
  #down(event) {
    event.preventDefault();
    this.#target.focus({ preventScroll: true });
    if (event.button === 0 && !this.isLocked) {
      this.#drag = { at: event.timeStamp, travelled: 0 };
      void this.lock();
      return;
    }
    this.#press(event.button);
  }

  /** @param {MouseEvent} event */
  #up(event) {
    const button = MOUSE_BUTTONS[event.button];
    if (event.button === 0 && this.#drag) {
      const isClick = event.timeStamp - this.#drag.at < CLICK_MS && this.#drag.travelled < CLICK_PX;
      this.#drag = null;
      // Without the lock the left button looks around, so a short click counts as pressing it.
      if (isClick) this.#buttons.tap("MOUSE_LEFT");
    }
    if (!button) return;
    if (event.button > 2) event.preventDefault();
    this.#buttons.release(button, "mouse");
    this.#listener.onChange();
  }

  /** @param {number} index */
  #press(index) {
    const button = MOUSE_BUTTONS[index];
    if (!button) return;
    this.#buttons.press(button, "mouse");
    this.#listener.onChange();
  }

  /** @param {MouseEvent} event */
  #moved(event) {
    if (!this.isLocked && !this.#drag) return;
    if (this.#drag) this.#drag.travelled += Math.abs(event.movementX) + Math.abs(event.movementY);
    this.#listener.onMove(event.movementX, event.movementY);
  }

  /** @param {WheelEvent} event */
  #scrolled(event) {
    event.preventDefault();
    const notch = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? NOTCH_PX : NOTCH_LINES;
    this.#wheel += event.deltaY / notch;
    // A touchpad sends fractions of a notch, which add up.
    if (Math.abs(this.#wheel) < 1) return;
    this.#buttons.tap(this.#wheel < 0 ? "SCROLL_UP" : "SCROLL_DOWN");
    this.#wheel = 0;
    this.#listener.onChange();
  }
}
