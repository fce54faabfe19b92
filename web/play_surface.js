// @ts-check
// The playing screen: canvas, frames, controls, overlay, and the animation loop that drives them.

import { CanvasView } from "./canvas_view.js";
import { Controls } from "./controls/controls.js";
import { byId } from "./dom.js";
import { Figures } from "./figures.js";
import { FramePlayer } from "./frame_player.js";
import { Overlay } from "./overlay.js";
import { StallWatch } from "./stall_watch.js";

/** @import { Session } from "./session.js" */
/** @import { Flow } from "./stall_watch.js" */

const HINT_MS = 6000;
const TOUCH_HINT = "Left half walks, right half looks around";
const MOUSE_HINT = "Click to look around. WASD walks, Esc opens the menu.";

/**
 * @typedef {object} PlaySurfaceOptions
 * @property {() => Session | null} session
 * @property {() => number} sensitivity
 * @property {() => void} onPause
 * @property {() => void} onReset
 * @property {() => void} onToggleOverlay
 * @property {() => void} onToggleRecording
 * @property {() => void} onRewind
 * @property {() => void} onEditScene
 * @property {() => void} onLost the connection is open, but no frames arrive any more
 * @property {(error: unknown) => void} onBroken
 */

export class PlaySurface {
  figures = new Figures();
  #canvas = byId("canvas", HTMLCanvasElement);
  #hint = byId("hint", HTMLElement);
  #overlay = new Overlay(byId("overlay", HTMLElement));
  #view = new CanvasView(this.#canvas);
  #player;
  #controls;
  #hintTimer = 0;
  #hasShownKeys = false;
  #stall = new StallWatch();
  /** @type {Flow} */
  #flow = "flowing";
  #onLost;

  /** @param {PlaySurfaceOptions} options */
  constructor(options) {
    const { session, sensitivity, onPause, onReset, onToggleOverlay, onToggleRecording } = options;
    const { onRewind, onEditScene, onLost, onBroken } = options;
    this.#onLost = onLost;
    this.#player = new FramePlayer(this.#view, {
      onArrived: (header, bytes) => this.figures.arrived(header, bytes, performance.now()),
      onDone: (header) => session()?.acknowledge(header),
      onDrawn: (header) => this.figures.drawn(header, performance.now()),
      onBroken,
    });
    this.#controls = new Controls({
      target: this.#canvas,
      stick: byId("stick", HTMLElement),
      channel: {
        isClear: () => session()?.isClear ?? false,
        send: (control) => session()?.control(control),
        onSent: (ts, changed) => {
          this.figures.latency.controlSent(ts, changed);
          this.#stall.controlSent(ts);
        },
      },
      shortcuts: {
        Escape: onPause,
        KeyU: onReset,
        KeyQ: onEditScene,
        F3: onToggleOverlay,
        F9: onToggleRecording,
        Backspace: onRewind,
      },
      sensitivity,
      onPause,
      onLock: (isLocked) => (isLocked ? this.#showKeys() : onPause()),
    });
    const tick = (/** @type {number} */ now) => {
      this.#frame(now);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  get isLocked() {
    return this.#controls.isLocked;
  }

  read() {
    return this.figures.read(performance.now(), this.#player.skipped);
  }

  /** @param {ArrayBuffer} envelope */
  receive(envelope) {
    this.#stall.clear();
    this.#player.receive(envelope, performance.now());
  }

  start() {
    this.#canvas.focus({ preventScroll: true });
    this.#controls.start();
    this.#controls.lock();
    const isTouch = matchMedia("(hover: none)").matches;
    this.#showHint(isTouch ? TOUCH_HINT : MOUSE_HINT);
  }

  stop() {
    this.#controls.stop();
    this.figures.latency.dropPending();
    this.#stall.clear();
    this.#showHint("");
  }

  /** To be called for another world or another connection. */
  restart() {
    this.#player.restart();
    this.figures.restart();
  }

  nudge() {
    this.#controls.nudge();
  }

  /** @param {boolean} isShown */
  showOverlay(isShown) {
    this.#overlay.show(isShown);
  }

  /** @param {number} width */
  thumbnail(width) {
    return this.#view.thumbnail(width);
  }

  /** @param {number} now */
  #frame(now) {
    this.#player.draw(now);
    this.#controls.frame(now);
    this.#overlay.frame(now, () => this.read());
    this.#watch(this.#stall.flow(now));
  }

  /** @param {Flow} flow */
  #watch(flow) {
    if (flow === this.#flow) return;
    this.#flow = flow;
    if (flow === "lost") this.#onLost();
    else this.#showHint(flow === "waiting" ? "Waiting for the server" : "", Infinity);
  }

  /** Explain once per visit how to leave pointer lock, because nobody could guess it. */
  #showKeys() {
    this.#showHint(this.#hasShownKeys ? "" : "WASD walks, the mouse looks around, Esc opens the menu.");
    this.#hasShownKeys = true;
  }

  /**
   * @param {string} text empty to hide the hint
   * @param {number} shownMs
   */
  #showHint(text, shownMs = HINT_MS) {
    clearTimeout(this.#hintTimer);
    this.#hint.textContent = text;
    if (text && shownMs < Infinity) this.#hintTimer = window.setTimeout(() => this.#showHint(""), shownMs);
  }
}
