// @ts-check
// All of a player's inputs. They start when play begins; when it ends they stop, and all buttons are released.

import { ControlSender } from "./control_sender.js";
import { GamepadInput } from "./gamepad.js";
import { HeldButtons } from "./held_buttons.js";
import { Keyboard } from "./keyboard.js";
import { lookMotion } from "./look.js";
import { Pointer } from "./pointer.js";
import { Touch } from "./touch.js";

/** @import { ControlChannel } from "./control_sender.js" */
/** @import { KeyBindings } from "./key_bindings.js" */
/** @import { Shortcuts } from "./keyboard.js" */
/** @import { LookSettings } from "./look.js" */

/**
 * @typedef {object} ControlsOptions
 * @property {HTMLElement} target the picture, on which mouse and fingers act
 * @property {HTMLElement} stick
 * @property {HTMLButtonElement} crouch for fingers
 * @property {ControlChannel} channel
 * @property {() => KeyBindings} bindings
 * @property {Shortcuts} shortcuts
 * @property {() => LookSettings} look
 * @property {() => void} onPause
 * @property {(locked: boolean) => void} onLock
 */

export class Controls {
  #buttons = new HeldButtons();
  #sender;
  #keyboard;
  #pointer;
  #gamepad;
  #touch;
  /** @type {AbortController | null} */
  #listening = null;

  /** @param {ControlsOptions} options */
  constructor({ target, stick, crouch, channel, bindings, shortcuts, look, onPause, onLock }) {
    const sender = new ControlSender(this.#buttons, channel, () => performance.now());
    const onChange = () => sender.buttonChanged();
    const onMove = (/** @type {number} */ dx, /** @type {number} */ dy) => sender.move(...lookMotion(dx, dy, look()));
    this.#sender = sender;
    this.#keyboard = new Keyboard(this.#buttons, bindings, shortcuts, onChange);
    this.#pointer = new Pointer(target, this.#buttons, { onMove, onChange, onLock });
    this.#gamepad = new GamepadInput(this.#buttons, onMove, onPause);
    this.#touch = new Touch(target, { stick, crouch }, this.#buttons, onMove, onChange);
  }

  get isLocked() {
    return this.#pointer.isLocked;
  }

  start() {
    if (this.#listening) return;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.#keyboard.listen(signal);
    this.#pointer.listen(signal);
    this.#touch.listen(signal);
    window.addEventListener("blur", () => this.#letGo(), { signal });
    this.#sender.nudge();
  }

  stop() {
    this.#listening?.abort();
    this.#listening = null;
    this.#letGo();
    this.#pointer.unlock();
  }

  /** Request pointer lock if there is a mouse and a recent click permits it. */
  lock() {
    const hasMouse = matchMedia("(hover: hover)").matches;
    if (hasMouse && navigator.userActivation?.isActive) void this.#pointer.lock();
  }

  /** Let the server show the world once after something other than input has changed it. */
  nudge() {
    this.#sender.nudge();
  }

  /**
   * To be called once per animation frame.
   *
   * @param {number} now
   */
  frame(now) {
    if (!this.#listening) return;
    this.#gamepad.poll(now);
    this.#sender.frame();
  }

  #letGo() {
    this.#touch.letGo();
    this.#sender.releaseAll();
  }
}
