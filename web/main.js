// @ts-check
// The composition root: builds the parts, connects buttons to them, and exposes their state for tests and the console.

import { App } from "./app.js";
import { diagnosticsText, handOver } from "./diagnostics.js";
import { byId, listenForActions } from "./dom.js";
import { JobFeed } from "./job_feed.js";
import { Jobs } from "./jobs.js";
import { Library } from "./library.js";
import { LogBook } from "./log_book.js";
import { LogPanel } from "./log_panel.js";
import { Recordings } from "./recordings.js";
import { listenForFiles } from "./upload.js";
import { asPlace } from "./world_texts.js";
import { Worlds } from "./worlds.js";

/** @import { SeedSummary } from "./rest.js" */

const panel = new LogPanel(byId("log-panel", HTMLElement), byId("log-lines", HTMLElement));
const log = new LogBook((entry) => panel.add(entry));
const feed = new JobFeed();
const library = new Library(feed, {
  onEnter: (seed) => app.enter(seed),
  onFile: (file) => take([file]),
  onWords: (prompt) => app.authoring.open("gallery", prompt),
  onSeeds: () => jobs.refresh(),
  onLog: (level, text) => log.write(level, text),
});
const app = new App(library, log);
const recordings = new Recordings();
const worlds = new Worlds((world) => go(asPlace(world)), feed);
const jobs = new Jobs(feed, {
  seedOf: (hash) => library.seeds.find((seed) => seed.hash === hash),
  onPlay: go,
  onShow: (hash) => library.focus(hash),
  isInGallery: () => app.screen.name === "gallery",
});

/** @param {SeedSummary} place to play; it replaces the world that is paused, if there is one */
function go(place) {
  if (app.screen.name === "paused") void app.changes.changeSeed(place);
  else app.enter(place);
}

function report() {
  return diagnosticsText({
    screen: app.screen.name,
    lastStage: app.lastStage,
    lastProblem: app.lastProblem,
    systemInfo: app.systemInfo,
    health: library.health,
    figures: app.surface.read(),
    settings: app.settings,
    log,
  });
}

async function toggleFullscreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  await document.documentElement.requestFullscreen();
  // If the browser allows it, Ctrl+W then crouches and walks instead of closing the page.
  const { keyboard } = /** @type {{ keyboard?: { lock?: () => Promise<void> } }} */ (navigator);
  await keyboard?.lock?.();
}

listenForActions({
  pause: () => app.pause(),
  resume: () => app.resume(),
  reset: () => app.reset(),
  leave: () => app.leave(),
  retry: () => app.retry(),
  "show-pictures": () => app.screen.name === "paused" && app.menu.showPictures(library.seeds, app.screen.seed.hash),
  "hide-pictures": () => app.menu.showMain(),
  "take-moment": () => void app.changes.take(),
  "save-world": () => void app.changes.save(),
  "show-worlds": () => worlds.open(),
  "hide-worlds": () => worlds.close(),
  "edit-scene": () => app.authoring.open("edit"),
  "generate-scene": () => app.authoring.open("scene"),
  rewind: () => void app.changes.rewind(),
  "toggle-recording": () => void app.recording.toggle(),
  "show-recordings": () => recordings.open(),
  "hide-recordings": () => recordings.close(),
  "show-jobs": () => {
    worlds.close();
    jobs.open();
  },
  "hide-jobs": () => jobs.close(),
  fullscreen: () => void toggleFullscreen().catch(() => log.write("warning", "Fullscreen was refused.")),
  "toggle-log": (button) => panel.toggle(button),
  "copy-diagnostics": (button) => void handOver(report(), button),
});

document.addEventListener("keydown", (event) => {
  // During play the controls handle it.
  if (event.code === "F9" && app.screen.name === "paused" && !event.repeat) void app.recording.toggle();
  if (event.code === "Escape" && ["loading", "lost"].includes(app.screen.name)) app.leave();
});

document.addEventListener("visibilitychange", () => feed.show(!document.hidden));

/**
 * A world is entered. Pictures go into the gallery; a world that is paused takes the first one.
 *
 * @param {readonly File[]} files that were picked, dropped or pasted
 */
function take(files) {
  const [first] = files;
  const world = files.find(({ name }) => name.toLowerCase().endsWith(".world"));
  if (world) worlds.receive(world);
  else if (app.screen.name !== "paused") void library.addToGallery(files);
  else if (first) void app.changes.upload(first);
}

listenForFiles(
  take,
  () => (app.screen.name === "gallery" || app.screen.name === "paused") && !app.authoring.isOpen,
);

// Read-only state for tests and for the console.
Object.defineProperty(window, "terrarium", {
  value: Object.freeze({
    get state() {
      return app.screen.name;
    },
    get lastStage() {
      return app.lastStage;
    },
    get lastErrorCode() {
      return app.lastProblem?.code ?? null;
    },
    get lastError() {
      return structuredClone(app.lastProblem);
    },
    get figures() {
      return structuredClone(app.surface.read());
    },
    get isPointerLocked() {
      return app.surface.isLocked;
    },
    report,
  }),
});

void library.load();
