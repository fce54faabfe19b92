// @ts-check
// The gamepad outside play: the cross and the left stick move the focus, A presses, B goes back, Start resumes.

const PRESS = 0;
const BACK = 1;
const START = 9;
/** @type {readonly (readonly [number, Step])[]} by index in `Gamepad.buttons` */
const CROSS = [
  [12, "back"],
  [13, "on"],
  [14, "back"],
  [15, "on"],
];
const TILT = 0.6;
/** A direction that is held goes on after a while, and then faster. */
const FIRST_REPEAT_MS = 450;
const NEXT_REPEAT_MS = 130;

/** @typedef {"on" | "back"} Step to the next thing that can have the focus, or to the one before */
/** @typedef {"press" | "leave" | "resume"} Deed */
/** @typedef {{ buttons: readonly { pressed: boolean }[], axes: readonly number[] }} Pad */

export class MenuPad {
  #down = new Set();
  /** @type {Step | null} */
  #step = null;
  #repeatAt = 0;

  /** To be called when play has ended: buttons that are down then are no presses. @param {Pad | null} pad */
  begin(pad) {
    this.#down = new Set(pad ? pressed(pad) : []);
    this.#step = pad && direction(pad);
    this.#repeatAt = Number.POSITIVE_INFINITY;
  }

  /**
   * @param {Pad} pad as it is now
   * @param {number} now milliseconds
   * @returns {(Step | Deed)[]} what the person wants
   */
  read(pad, now) {
    const down = pressed(pad);
    const fresh = down.filter((index) => !this.#down.has(index));
    this.#down = new Set(down);
    /** @type {(Step | Deed)[]} */
    const wanted = [];
    if (fresh.includes(PRESS)) wanted.push("press");
    if (fresh.includes(BACK)) wanted.push("leave");
    if (fresh.includes(START)) wanted.push("resume");
    const step = direction(pad);
    if (step !== this.#step || (step && now >= this.#repeatAt)) {
      if (step) wanted.push(step);
      this.#repeatAt = now + (step === this.#step ? NEXT_REPEAT_MS : FIRST_REPEAT_MS);
    }
    this.#step = step;
    return wanted;
  }
}

/** @param {Pad} pad */
function pressed(pad) {
  return [PRESS, BACK, START].filter((index) => pad.buttons[index]?.pressed);
}

/**
 * @param {Pad} pad
 * @returns {Step | null}
 */
function direction({ buttons, axes }) {
  const cross = CROSS.find(([index]) => buttons[index]?.pressed);
  if (cross) return cross[1];
  const tilt = [axes[0] ?? 0, axes[1] ?? 0].find((one) => Math.abs(one) > TILT) ?? 0;
  return tilt === 0 ? null : tilt > 0 ? "on" : "back";
}
