// @ts-check
// The playing screen: canvas, frames, controls, overlay, and the animation loop that drives them.

import { CanvasView } from "./canvas_view.js";
import { firstHintText } from "./control_texts.js";
import { Controls } from "./controls/controls.js";
import { byId } from "./dom.js";
import { Figures } from "./figures.js";
import { FirstHint } from "./first_hint.js";
import { StepSound } from "./step_sound.js";
import { Strides } from "./strides.js";
import { FramePlayer } from "./frame_player.js";
import { Overlay } from "./overlay.js";
import { StallWatch } from "./stall_watch.js";
import { phrase } from "./texts/texts.js";
import { canDecode, VideoChoice } from "./video_choice.js";
import { VideoPictures } from "./video_pictures.js";

/** @import { Shortcuts } from "./controls/keyboard.js" */
/** @import { Session } from "./session.js" */
/** @import { Settings } from "./settings.js" */
/** @import { ControlNotification } from "./protocol.generated.d.ts" */
/** @import { Flow } from "./stall_watch.js" */

const HINT_MS = 6000;
const FIRST_HINT_MS = 20_000;

/**
 * @typedef {object} PlaySurfaceOptions
 * @property {() => Session | null} session
 * @property {() => Settings} settings
 * @property {Shortcuts} shortcuts
 * @property {() => void} onLearnt the person has shown that they know how to play
 * @property {() => void} onLost the connection is open, but no frames arrive any more
 * @property {(error: unknown) => void} onBroken
 * @property {(codec: "jpeg" | "h264", reason: string) => void} onCodec frames should come as something else
 */

export class PlaySurface {
  figures = new Figures();
  #choice;
  #canvas = byId("canvas", HTMLCanvasElement);
  #hint = byId("hint", HTMLElement);
  #overlay = new Overlay(byId("overlay", HTMLElement));
  #view = new CanvasView(this.#canvas);
  #player;
  #controls;
  #hintTimer = 0;
  #firstHint = new FirstHint();
  #strides = new Strides();
  #stepSound = new StepSound();
  #settings;
  #onLearnt;
  #stall = new StallWatch();
  /** @type {Flow} */
  #flow = "flowing";
  #onLost;

  /** @param {PlaySurfaceOptions} options */
  constructor(options) {
    const { session, settings, shortcuts, onLearnt, onLost, onBroken, onCodec } = options;
    this.#settings = settings;
    this.#onLearnt = onLearnt;
    this.#onLost = onLost;
    this.#choice = new VideoChoice(location.hostname, canDecode(), () => settings().alwaysVideo, onCodec);
    const video = new VideoPictures((fault) => this.#choice.failed(fault));
    this.#player = new FramePlayer(this.#view, video, {
      onArrived: (header, bytes, frames) => {
        this.figures.arrived(header, bytes, performance.now());
        this.#choice.arrived(header, bytes / frames);
      },
      onDone: (header) => session()?.acknowledge(header),
      onDrawn: (header) => this.figures.drawn(header, performance.now()),
      onBroken,
    });
    this.#controls = new Controls({
      target: this.#canvas,
      stick: byId("stick", HTMLElement),
      crouch: byId("crouch-button", HTMLButtonElement),
      channel: {
        isClear: () => session()?.isClear ?? false,
        send: (control) => {
          session()?.control(control);
          this.#strides.hold(control.buttons ?? []);
          this.#watchLearning(control);
        },
        onSent: (ts, changed) => {
          this.figures.latency.controlSent(ts, changed);
          this.#stall.controlSent(ts);
        },
      },
      bindings: () => settings().keys,
      shortcuts,
      look: settings,
      onPause: shortcuts.pause,
      onLock: (isLocked) => (isLocked ? this.#showFirstHint() : shortcuts.pause()),
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

  /** What frames should come as on a new connection. */
  codec() {
    return this.#choice.codec();
  }

  /** The same, once the browser has said what it decodes. */
  async knownCodec() {
    await this.#choice.known();
    return this.codec();
  }

  start() {
    this.#canvas.focus({ preventScroll: true });
    this.#controls.start();
    this.#controls.lock();
    if (!this.#settings().knowsControls) this.#showFirstHint();
    else if (!isTouch()) this.#showHint(phrase("play.click"));
  }

  stop() {
    this.#controls.stop();
    this.#strides.hold([]);
    this.figures.latency.dropPending();
    this.#stall.clear();
    this.#showHint("");
  }

  /** To be called for another world or another connection. */
  restart() {
    this.#player.restart();
    this.#choice.restart();
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

  /** What is on the screen, as a PNG. */
  picture() {
    return this.#view.picture();
  }

  /** @param {number} now */
  #frame(now) {
    this.#player.draw(now);
    this.#controls.frame(now);
    if (this.#strides.frame(now) && this.#settings().stepSounds) this.#stepSound.play();
    this.#overlay.frame(now, () => this.read());
    this.#watch(this.#stall.flow(now));
  }

  /** @param {Flow} flow */
  #watch(flow) {
    if (flow === this.#flow) return;
    this.#flow = flow;
    if (flow === "lost") this.#onLost();
    else this.#showHint(flow === "waiting" ? phrase("play.waitingForServer") : "", Infinity);
  }

  /** It comes with every world, and never again once the person has walked and looked around. */
  #showFirstHint() {
    const { keys, knowsControls } = this.#settings();
    const text = isTouch() ? phrase("play.firstTouchHint") : firstHintText(keys);
    this.#showHint(knowsControls ? "" : text, FIRST_HINT_MS);
  }

  /** @param {ControlNotification} control */
  #watchLearning(control) {
    if (this.#settings().knowsControls) return;
    this.#firstHint.saw(control);
    if (!this.#firstHint.isLearnt) return;
    this.#onLearnt();
    this.#showHint("");
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

function isTouch() {
  return matchMedia("(hover: none)").matches;
}
