// @ts-check
// Lets a gamepad reach everything in the gallery, the menu and the views.

import { MenuPad } from "./controls/menu_pad.js";
import { moveFocus } from "./focus_ring.js";

/**
 * @typedef {object} PadNavigationListener
 * @property {() => boolean} isPlaying whether the pad belongs to the world
 * @property {() => void} onResume
 */

export class PadNavigation {
  #listener;
  #pad = new MenuPad();
  #wasPlaying = false;
  #isRunning = false;

  /** @param {PadNavigationListener} listener */
  constructor(listener) {
    this.#listener = listener;
    // Browsers tell of a pad once a button of it is pressed. Without one, nothing runs.
    window.addEventListener("gamepadconnected", () => this.#run());
  }

  #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#pad.begin(presentPad());
    requestAnimationFrame((now) => this.#frame(now));
  }

  /** @param {number} now */
  #frame(now) {
    const pad = presentPad();
    this.#isRunning = pad !== null;
    if (!pad) return;
    const isPlaying = this.#listener.isPlaying();
    if (this.#wasPlaying && !isPlaying) this.#pad.begin(pad);
    this.#wasPlaying = isPlaying;
    if (!isPlaying) for (const wanted of this.#pad.read(pad, now)) this.#do(wanted);
    requestAnimationFrame((next) => this.#frame(next));
  }

  /** @param {ReturnType<MenuPad["read"]>[number]} wanted */
  #do(wanted) {
    const focused = document.activeElement;
    switch (wanted) {
      case "on":
      case "back":
        return moveFocus(topmost(), wanted === "on" ? 1 : -1);
      case "press":
        return focused instanceof HTMLElement && focused.click();
      case "leave":
        return leave();
      case "resume":
        return this.#listener.onResume();
    }
  }
}

/** The view that is in front: a dialog, or else the page. */
function topmost() {
  return [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
}

/** As Escape does it. */
function leave() {
  const dialog = topmost();
  if (!(dialog instanceof HTMLDialogElement)) return;
  if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
}

/** @returns {Gamepad | null} the first one with the standard layout */
function presentPad() {
  return navigator.getGamepads?.().find((pad) => pad?.mapping === "standard") ?? null;
}
