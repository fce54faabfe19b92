// @ts-check
// Which key does what. A person may bind keys to actions; every other key sends the button that is printed on it.

/** @import { Button } from "./held_buttons.js" */

/** @typedef {"forward" | "back" | "left" | "right" | "jump" | "sprint" | "crouch"} Walk */
/** @typedef {"turnLeft" | "turnRight" | "lookUp" | "lookDown"} Look */
/** @typedef {"rewind" | "reset" | "editScene" | "record" | "keepClip" | "screenshot" | "statistics"} Shortcut */
/** @typedef {Walk | Look | Shortcut} Action */

/** @typedef {{ button: Button } | { shortcut: Shortcut }} Meaning what a key does: hold a button of the world, or act in the page */

/** @type {Readonly<Record<Walk | Look, Button>>} */
const BUTTONS = {
  forward: "W",
  back: "S",
  left: "A",
  right: "D",
  jump: "SPACE",
  sprint: "SHIFT",
  crouch: "CTRL",
  turnLeft: "LEFT",
  turnRight: "RIGHT",
  lookUp: "UP",
  lookDown: "DOWN",
};

/** The keys of each action, by `KeyboardEvent.code`. @type {Readonly<Record<Action, readonly string[]>>} */
const DEFAULTS = {
  forward: ["KeyW"],
  back: ["KeyS"],
  left: ["KeyA"],
  right: ["KeyD"],
  jump: ["Space"],
  sprint: ["ShiftLeft", "ShiftRight"],
  crouch: ["ControlLeft", "ControlRight"],
  turnLeft: ["ArrowLeft"],
  turnRight: ["ArrowRight"],
  lookUp: ["ArrowUp"],
  lookDown: ["ArrowDown"],
  rewind: ["Backspace"],
  reset: ["KeyU"],
  editScene: ["KeyQ"],
  record: ["F9"],
  keepClip: ["F8"],
  screenshot: ["F2"],
  statistics: ["F3"],
};

export const ACTIONS = /** @type {readonly Action[]} */ (Object.keys(DEFAULTS));

/** @type {Readonly<Record<string, Button>>} */
const NAMED_KEYS = {
  AltLeft: "ALT",
  AltRight: "ALT",
  Tab: "TAB",
  Enter: "ENTER",
  NumpadEnter: "ENTER",
};

/** Keys that the page, the browser or the system needs. */
const TAKEN = /^(?:Escape|Meta.*|OS.*|F5|F11|F12|ContextMenu|PrintScreen|)$/;

/** @param {string} code whether an action can have this key */
export function isBindable(code) {
  return !TAKEN.test(code);
}

export class KeyBindings {
  /** Only what differs from the defaults. @type {ReadonlyMap<Action, readonly string[]>} */
  #own;

  /** @param {Iterable<readonly [Action, readonly string[]]>} [own] */
  constructor(own = []) {
    this.#own = new Map(own);
  }

  /** @param {unknown} stored as `toJSON` gave it; the defaults, unless all of it is sound */
  static from(stored) {
    if (typeof stored !== "object" || stored === null) return new KeyBindings();
    const own = Object.entries(stored);
    if (!own.every(([action, codes]) => action in DEFAULTS && isListOfKeys(codes))) return new KeyBindings();
    const bindings = new KeyBindings(/** @type {[Action, string[]][]} */ (own));
    const keys = ACTIONS.flatMap((action) => bindings.keysOf(action));
    // A page that is newer may have given a key that was stored to another action.
    return new Set(keys).size === keys.length ? bindings : new KeyBindings();
  }

  toJSON() {
    return Object.fromEntries(this.#own);
  }

  get isDefault() {
    return this.#own.size === 0;
  }

  /**
   * @param {Action} action
   * @returns {readonly string[]} none if another action has taken its keys
   */
  keysOf(action) {
    return this.#own.get(action) ?? DEFAULTS[action];
  }

  /**
   * @param {string} code
   * @returns {Action | null}
   */
  actionOf(code) {
    return ACTIONS.find((action) => this.keysOf(action).includes(code)) ?? null;
  }

  /**
   * @param {string} code `KeyboardEvent.code`: the place on the keyboard, so WASD is at the same place on every layout
   * @returns {Meaning | null}
   */
  meaningOf(code) {
    const action = this.actionOf(code);
    if (action) return isShortcut(action) ? { shortcut: action } : { button: BUTTONS[action] };
    // A key that lost its action does nothing: nobody wants to walk by a key that they have changed.
    if (Object.values(DEFAULTS).some((codes) => codes.includes(code))) return null;
    const button = printedButton(code);
    return button && { button };
  }

  /**
   * Give an action this key, and no other. Whichever action had it loses it.
   *
   * @param {Action} action
   * @param {string} code
   * @returns {{ bindings: KeyBindings, loser: Action | null }} `loser` is the action that had the key
   */
  bind(action, code) {
    const holder = this.actionOf(code);
    const loser = holder === action ? null : holder;
    const own = new Map(this.#own);
    if (loser) own.set(loser, this.keysOf(loser).filter((one) => one !== code));
    own.set(action, [code]);
    return { bindings: new KeyBindings([...own].filter(([one, codes]) => !isSame(codes, DEFAULTS[one]))), loser };
  }
}

/**
 * @param {Action} action
 * @returns {action is Shortcut}
 */
function isShortcut(action) {
  return !(action in BUTTONS);
}

/** @param {string} code */
function printedButton(code) {
  const letterOrDigit = /^(?:Key([A-Z])|Digit([0-9]))$/.exec(code);
  if (letterOrDigit) return /** @type {Button} */ (letterOrDigit[1] ?? letterOrDigit[2]);
  return NAMED_KEYS[code] ?? null;
}

/**
 * @param {unknown} codes
 * @returns {codes is string[]}
 */
function isListOfKeys(codes) {
  return Array.isArray(codes) && codes.every((code) => typeof code === "string" && isBindable(code));
}

/**
 * @param {readonly string[]} one
 * @param {readonly string[]} other
 */
function isSame(one, other) {
  return one.length === other.length && one.every((code, index) => code === other[index]);
}
