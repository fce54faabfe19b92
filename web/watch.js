// @ts-check
// The page of those who watch: opens the link that stands behind # in its address.

import { CanvasView } from "./canvas_view.js";
import { Controls } from "./controls/controls.js";
import { byId } from "./dom.js";
import { FramePlayer } from "./frame_player.js";
import { loadSettings } from "./settings.js";
import { fillPage } from "./texts/page.js";
import { phrase } from "./texts/texts.js";
import { canDecode, VideoChoice } from "./video_choice.js";
import { VideoPictures } from "./video_pictures.js";
import { countText, overTitle } from "./watch_texts.js";
import { WatchLink, whyNot } from "./watch_link.js";

/** @import { ErrorCode, WatchingMessage } from "./protocol.generated.d.ts" */

const NOTE_MS = 6000;

fillPage();

const settings = loadSettings();
const canvas = byId("canvas", HTMLCanvasElement);
const state = byId("watch-state", HTMLElement);
const count = byId("watch-count", HTMLElement);
const note = byId("watch-note", HTMLElement);
const controlsButton = byId("controls-button", HTMLButtonElement);
const over = byId("watch-over", HTMLElement);

/** @type {WatchLink | null} */
let link = null;
/** @type {WatchingMessage | null} */
let watching = null;
let noteTimer = 0;
let frames = 0;
/** @type {string | null} what the frames on the screen came as */
let codec = null;

const choice = new VideoChoice(
  location.hostname,
  canDecode(),
  () => settings.alwaysVideo,
  (codec) => link?.useVideo(codec),
);
const player = new FramePlayer(
  new CanvasView(canvas),
  new VideoPictures((fault) => choice.failed(fault)),
  {
    onArrived: (header, bytes, frames) => choice.arrived(header, bytes / frames),
    onDone: (header) => link?.acknowledge(header),
    onDrawn: (header) => {
      frames += 1;
      codec = header.codec ?? "jpeg";
    },
    onBroken: () => {},
  },
);

const noShortcut = () => {};
const controls = new Controls({
  target: canvas,
  stick: byId("stick", HTMLElement),
  crouch: byId("crouch-button", HTMLButtonElement),
  channel: { isClear: () => link?.isClear ?? false, send: (control) => link?.control(control), onSent: () => {} },
  bindings: () => settings.keys,
  shortcuts: {
    pause: () => controlsButton.focus(),
    reset: noShortcut,
    rewind: noShortcut,
    editScene: noShortcut,
    record: noShortcut,
    screenshot: noShortcut,
    keepClip: noShortcut,
    statistics: noShortcut,
  },
  look: () => settings,
  onPause: noShortcut,
  onLock: noShortcut,
});

/** @param {string} text */
function tell(text) {
  clearTimeout(noteTimer);
  note.textContent = text;
  if (text) noteTimer = window.setTimeout(() => tell(""), NOTE_MS);
}

/** @param {WatchingMessage} message */
function show(message) {
  const before = watching;
  watching = message;
  document.body.dataset.watch = message.state;
  state.textContent = message.controls === "yours" ? phrase("watch.youPlay") : phrase(`watchStates.${message.state}`);
  count.textContent = countText(message.watchers);
  controlsButton.hidden = false;
  controlsButton.textContent = phrase(`watchControls.${message.controls}`);
  controlsButton.disabled = message.controls === "taken";
  controlsButton.title = message.controls === "taken" ? phrase("watch.taken") : "";
  if (message.controls === "asked" && before?.controls !== "asked") tell(phrase("watch.asked"));
  if (message.answer && message.answer !== before?.answer) tell(phrase(`watchAnswers.${message.answer}`));
  if (message.controls === "yours" && before?.controls !== "yours") {
    controls.start();
    canvas.focus({ preventScroll: true });
  } else if (message.controls !== "yours") controls.stop();
}

/**
 * @param {ErrorCode | null} code
 * @param {string} text
 */
async function end(code, text) {
  link = null;
  watching = null;
  controls.stop();
  const reason = code === null ? await whyNot(location.hash.slice(1)) : { code, message: text };
  const known = reason ?? { code: null, message: "" };
  document.body.dataset.watch = "over";
  state.textContent = "";
  count.textContent = "";
  controlsButton.hidden = true;
  tell("");
  const title = byId("watch-over-title", HTMLElement);
  title.textContent = overTitle(known.code);
  byId("watch-over-text", HTMLElement).textContent = known.message || phrase("watch.unreachable");
  over.hidden = false;
  title.focus();
}

async function open() {
  over.hidden = true;
  document.body.dataset.watch = "opening";
  state.textContent = phrase("watch.opening");
  player.restart();
  choice.restart();
  const token = location.hash.slice(1);
  const [reason] = await Promise.all([whyNot(token), choice.known()]);
  if (reason) return end(reason.code, reason.message);
  link = new WatchLink(token, choice.codec(), {
    onWatching: show,
    onRefused: (error) => tell(error.message ?? ""),
    onFrame: (envelope) => player.receive(envelope, performance.now()),
    onOver: (code, text) => void end(code, text),
  });
}

controlsButton.addEventListener("click", () => {
  if (watching?.controls === "free") link?.notify("ask_controls");
  else link?.notify("return_controls");
});

byId("again-button", HTMLElement).addEventListener("click", () => void open());

byId("fullscreen-button", HTMLElement).addEventListener("click", () => {
  const change = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  change.catch(() => tell(phrase("watch.noFullScreen")));
});

window.addEventListener("hashchange", () => location.reload());

/** @param {number} now */
function tick(now) {
  player.draw(now);
  controls.frame(now);
  requestAnimationFrame(tick);
}
requestAnimationFrame(tick);

// Read-only state for tests and for the console.
Object.defineProperty(window, "watched", {
  value: Object.freeze({
    get frames() {
      return frames;
    },
    get codec() {
      return codec;
    },
    get message() {
      return structuredClone(watching);
    },
  }),
});

void open();
