// @ts-check
// Touch: the left half of the picture is a stick for walking, beyond whose ring one sprints; the right half looks around, a
// double tap jumps, and a button crouches.

/** @import { Button, HeldButtons } from "./held_buttons.js" */

const STICK_RADIUS_PX = 56;
// A share of the stick's radius, below which a direction does not count.
const STICK_THRESHOLD = 0.38;
// How far beyond the ring the finger has to be to sprint, and how far inside to stop: a trembling finger does not flicker.
const SPRINT_FROM = 1.5;
const SPRINT_UNTIL = 1.2;
const DOUBLE_TAP_MS = 300;
const TAP_PX = 12;

/** @type {readonly (readonly [Button, number, number])[]} a button and its direction on the screen */
const DIRECTIONS = [
  ["W", 0, -1],
  ["S", 0, 1],
  ["A", -1, 0],
  ["D", 1, 0],
];

/** @typedef {"pointerdown" | "pointermove" | "pointerup" | "pointercancel"} PointerEventName */
/** @typedef {{ id: number, startX: number, startY: number, x: number, y: number, startedAt: number }} Finger */

export class Touch {
  #target;
  #stickView;
  #crouchView;
  #buttons;
  #onMove;
  #onChange;
  /** @type {Finger | null} */
  #walking = null;
  /** @type {Finger | null} */
  #looking = null;
  #isSprinting = false;
  #isCrouching = false;
  #lastTapAt = Number.NEGATIVE_INFINITY;

  /**
   * @param {HTMLElement} target
   * @param {{ stick: HTMLElement, crouch: HTMLButtonElement }} views `stick` is shown under the walking finger, and its
   *   first child is the knob; `crouch` is shown while fingers count
   * @param {HeldButtons} buttons
   * @param {(dx: number, dy: number) => void} onMove
   * @param {() => void} onChange
   */
  constructor(target, { stick, crouch }, buttons, onMove, onChange) {
    this.#target = target;
    this.#stickView = stick;
    this.#crouchView = crouch;
    this.#buttons = buttons;
    this.#onMove = onMove;
    this.#onChange = onChange;
  }

  /** @param {AbortSignal} signal ends it */
  listen(signal) {
    this.letGo();
    const on = (/** @type {PointerEventName} */ type, /** @type {(event: PointerEvent) => void} */ handle) =>
      this.#target.addEventListener(type, (event) => event.pointerType !== "mouse" && handle(event), { signal });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#moved(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event));
    const crouch = this.#crouchView;
    crouch.hidden = false;
    signal.addEventListener("abort", () => (crouch.hidden = true));
    // A second finger makes no click, and a screen reader makes nothing else.
    crouch.addEventListener("pointerdown", (event) => this.#crouchPressed(event), { signal });
    crouch.addEventListener("click", (event) => event.detail === 0 && this.#crouch(!this.#isCrouching), { signal });
  }

  letGo() {
    this.#walking = null;
    this.#looking = null;
    this.#isSprinting = false;
    this.#isCrouching = false;
    this.#showStick();
    this.#showCrouch();
  }

  /** @param {PointerEvent} event */
  #down(event) {
    event.preventDefault();
    const bounds = this.#target.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    const finger = { id: event.pointerId, startX: x, startY: y, x, y, startedAt: event.timeStamp };
    const isLeft = x < bounds.left + bounds.width / 2;
    if (isLeft && !this.#walking) this.#walking = finger;
    else if (!this.#looking) this.#looking = finger;
    this.#showStick();
  }

  /** @param {PointerEvent} event */
  #moved(event) {
    const { clientX: x, clientY: y } = event;
    if (this.#looking?.id === event.pointerId) {
      this.#onMove(x - this.#looking.x, y - this.#looking.y);
      Object.assign(this.#looking, { x, y });
    } else if (this.#walking?.id === event.pointerId) {
      Object.assign(this.#walking, { x, y });
      this.#walk();
    }
  }

  /** @param {PointerEvent} event */
  #up(event) {
    for (const finger of [this.#walking, this.#looking]) {
      if (finger?.id === event.pointerId && event.type === "pointerup") this.#countTap(finger, event);
    }
    if (this.#looking?.id === event.pointerId) this.#looking = null;
    if (this.#walking?.id === event.pointerId) {
      this.#walking = null;
      this.#walk();
    }
  }

  /**
   * @param {Finger} finger
   * @param {PointerEvent} event
   */
  #countTap(finger, event) {
    const travelled = Math.hypot(event.clientX - finger.startX, event.clientY - finger.startY);
    if (travelled > TAP_PX || event.timeStamp - finger.startedAt > DOUBLE_TAP_MS) return;
    if (event.timeStamp - this.#lastTapAt < DOUBLE_TAP_MS) {
      this.#buttons.tap("SPACE");
      this.#onChange();
      this.#lastTapAt = Number.NEGATIVE_INFINITY;
    } else {
      this.#lastTapAt = event.timeStamp;
    }
  }

  /** @param {PointerEvent} event */
  #crouchPressed(event) {
    // The canvas keeps the focus, and with it the keys.
    event.preventDefault();
    this.#crouch(!this.#isCrouching);
  }

  /** @param {boolean} isCrouching until the next press, because a thumb cannot hold it and look around */
  #crouch(isCrouching) {
    this.#isCrouching = isCrouching;
    this.#buttons.set("CTRL", "touch", isCrouching);
    this.#showCrouch();
    this.#onChange();
  }

  #showCrouch() {
    this.#crouchView.ariaPressed = String(this.#isCrouching);
  }

  #walk() {
    const [x, y] = this.#stickPosition();
    this.#isSprinting = this.#pull() > (this.#isSprinting ? SPRINT_UNTIL : SPRINT_FROM);
    this.#buttons.set("SHIFT", "touch", this.#isSprinting);
    for (const [button, towardsX, towardsY] of DIRECTIONS) {
      this.#buttons.set(button, "touch", x * towardsX + y * towardsY > STICK_THRESHOLD);
    }
    this.#showStick();
    this.#onChange();
  }

  /** How far the walking finger is from where it came down, in radii of the stick. */
  #pull() {
    if (!this.#walking) return 0;
    return Math.hypot(this.#walking.x - this.#walking.startX, this.#walking.y - this.#walking.startY) / STICK_RADIUS_PX;
  }

  /** @returns {[number, number]} within the unit circle */
  #stickPosition() {
    if (!this.#walking) return [0, 0];
    const x = (this.#walking.x - this.#walking.startX) / STICK_RADIUS_PX;
    const y = (this.#walking.y - this.#walking.startY) / STICK_RADIUS_PX;
    const length = Math.max(Math.hypot(x, y), 1);
    return [x / length, y / length];
  }

  #showStick() {
    this.#stickView.classList.toggle("is-held", this.#walking !== null);
    this.#stickView.classList.toggle("is-sprinting", this.#isSprinting);
    if (!this.#walking) return;
    const [x, y] = this.#stickPosition();
    this.#stickView.style.translate = `${this.#walking.startX}px ${this.#walking.startY}px`;
    const knob = this.#stickView.firstElementChild;
    if (knob instanceof HTMLElement) knob.style.translate = `${x * STICK_RADIUS_PX}px ${y * STICK_RADIUS_PX}px`;
  }
}
