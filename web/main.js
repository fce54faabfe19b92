// @ts-check
// The composition root: builds the parts, connects buttons to them, and exposes their state for tests and the console.

import { Account } from "./account.js";
import { App } from "./app.js";
import { diagnosticsText, handOver } from "./diagnostics.js";
import { Doctor } from "./doctor.js";
import { byId, listenForActions } from "./dom.js";
import { Entrance } from "./entrance.js";
import { FramingDialog } from "./framing_dialog.js";
import { Identity } from "./identity.js";
import { JobFeed } from "./job_feed.js";
import { Jobs } from "./jobs.js";
import { describe, Library } from "./library.js";
import { LogBook } from "./log_book.js";
import { LogPanel } from "./log_panel.js";
import { Models } from "./models.js";
import { PadNavigation } from "./pad_navigation.js";
import { People } from "./people.js";
import { PlaceAddress } from "./place_address.js";
import { Recordings } from "./recordings.js";
import { RestError, signInWatch } from "./rest.js";
import { copyPicture, copyText, fileNameOf, saveFile } from "./screenshot.js";
import { ServerSettings } from "./server_settings.js";
import { originOf } from "./session.js";
import { titleOf } from "./recording_texts.js";
import { Studio } from "./studio.js";
import { phrase } from "./texts/texts.js";
import { toast } from "./toasts.js";
import { listenForFiles } from "./upload.js";
import { showVisitor } from "./visitor_view.js";
import { asPlace } from "./world_texts.js";
import { Worlds } from "./worlds.js";
import { fetchWorlds } from "./worlds_rest.js";

/** @import { Place } from "./place_address.js" */
/** @import { SeedSummary } from "./rest.js" */

const panel = new LogPanel(byId("log-panel", HTMLElement), byId("log-lines", HTMLElement));
const log = new LogBook((entry) => panel.add(entry));
const feed = new JobFeed();
const identity = new Identity(() => {
  showVisitor(identity);
  entrance.remember(identity.user?.id ?? null);
});
const library = new Library(feed, identity, {
  onEnter: go,
  onFiles: (files) => void take(files),
  onGet: (engine) => models.open(engine),
  onWords: (prompt) => app.authoring.open("gallery", prompt),
  onSeeds: () => jobs.refresh(),
  onLoaded: () => {
    library.jobs.follow(app.screen.name === "gallery");
    void followLink();
    if (invitation() && identity.hasAccounts) entrance.invite(invitation());
  },
  onMustSignIn: () => (invitation() ? entrance.invite(invitation()) : entrance.ask()),
  onLog: (level, text) => log.write(level, text),
});
const app = new App(library, log, {
  onLost: ({ code }) => {
    if (identity.hasAccounts) void lookWhoIsHere();
    if (code === "resumeTooLate") void offerSaved();
  },
  onPlace: (seed) => (seed ? address.enter(originOf(seed)) : address.leave()),
  onScreenshot: () => void savePicture(),
});
const address = new PlaceAddress(window, {
  // Whoever goes from one world to another by the browser's history is rare enough to begin anew.
  onPlace: () => (app.screen.name === "gallery" ? void followLink() : location.reload()),
  onGallery: () => {
    if (app.screen.name !== "playing") return app.leave();
    // A slip of the finger should not end the world. In the menu, Back leaves it.
    address.enter(originOf(app.screen.seed));
    app.pause();
  },
});
const framing = new FramingDialog();
new PadNavigation({ isPlaying: () => app.screen.name === "playing", onResume: () => app.menu.isOpen && app.resume() });
const studio = new Studio(feed, library, (seed) => void walk(seed));
const recordings = new Recordings({
  onWalk: async (recording, atS) => {
    await studio.walkInto({ recording: recording.name }, atS, titleOf(recording));
  },
  onRetake: ({ name }) => {
    recordings.close();
    studio.retakeWalk(name);
  },
});
const worlds = new Worlds((world) => go(asPlace(world)), feed);
const jobs = new Jobs(feed, {
  seedOf: (hash) => library.seeds.find((seed) => seed.hash === hash),
  onPlay: go,
  onShow: (hash) => library.focus(hash),
  isInGallery: () => app.screen.name === "gallery",
});

const models = new Models(feed, identity, () => {
  void library.refreshModels();
  studio.refresh();
});
const doctor = new Doctor();
const serverSettings = new ServerSettings(() => void lookAtHealth(true));
const account = new Account(identity, () => {
  app.leave();
  // Whoever comes next should find nothing of this person's in the page.
  location.reload();
});
const people = new People(identity);
const entrance = new Entrance(identity, {
  onOpened: () => {
    app.holdRetries();
    followJobs();
  },
  onLeft: followJobs,
  onEntered: (isOther) => (isOther ? location.reload() : comeBack()),
  onInvitationOver: forgetInvitation,
});

/** Go on where the person was when they had to sign in. */
function comeBack() {
  followJobs();
  void library.load();
  if (app.screen.name === "lost") app.retry();
  for (const view of [worlds, recordings, studio, models, serverSettings, account, people]) view.refresh();
}

function followJobs() {
  feed.show(!document.hidden && !entrance.isOpen);
}

let isLooking = false;

/** Show the entrance if the server wants the visitor to sign in. */
async function lookWhoIsHere() {
  // Asking may be refused as well.
  if (isLooking) return;
  isLooking = true;
  try {
    await identity.refresh();
    if (identity.mustSignIn) entrance.ask();
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
  } finally {
    isLooking = false;
  }
}

signInWatch.addEventListener("refused", () => void lookWhoIsHere());

/** The server looks at its models every few seconds, so that its first answer may tell of how they were before. */
const SECOND_LOOK_MS = 6000;

/** @param {boolean} isFirst */
async function lookAtHealth(isFirst) {
  if (isFirst) setTimeout(() => void lookAtHealth(false), SECOND_LOOK_MS);
  try {
    await library.refreshHealth();
    app.authoring.lookAgain();
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
  }
}

/** The code with which somebody was invited to open this page; empty without one. */
function invitation() {
  return new URLSearchParams(location.search).get("invite") ?? "";
}

function forgetInvitation() {
  const address = new URL(location.href);
  address.searchParams.delete("invite");
  history.replaceState(null, "", address);
}

/** @param {SeedSummary} place to play; it replaces the world that is paused, if there is one */
function go(place) {
  if (app.screen.name === "paused") void app.changes.changeSeed(place);
  else app.enter(place);
}

/** @param {SeedSummary} seed that a frame of a film or a recording has become */
async function walk(seed) {
  recordings.close();
  go((await library.find(seed.hash)) ?? seed);
}

/** Take the picture on the screen to the Studio, as the beginning of a film. */
async function filmThis() {
  const { session, placeTitle } = app;
  if (app.screen.name !== "paused" || !session) return;
  try {
    // Without a model, the Studio says what is missing, and the picture is not needed.
    if (!(await studio.canMake())) return studio.open();
    app.menu.notify(phrase("studio.pictureTaken"), "progress");
    const { seed_hash } = await session.keepPicture(placeTitle);
    const seed = await library.find(seed_hash);
    if (!seed) throw new Error(phrase("studio.pictureGone"));
    app.menu.notify(null);
    studio.film(seed);
  } catch (error) {
    app.menu.notify(describe(error));
  }
}

/** Enter the place that the address names, if there is one. */
async function followLink() {
  const { place } = address;
  if (!place || app.screen.name !== "gallery" || entrance.isOpen) return;
  const seed = await seedOf(place);
  if (app.screen.name !== "gallery") return;
  if (seed) return app.enter(seed);
  address.leave();
  toast(phrase("places.linkUnknown"), "error");
}

/** @param {Place} place */
async function seedOf(place) {
  if ("seed_hash" in place) return library.seeds.find(({ hash }) => hash === place.seed_hash);
  try {
    const world = (await fetchWorlds()).find(({ id }) => id === place.world_id);
    return world && asPlace(world);
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return undefined;
  }
}

/** The world that was left is closed: offer what was saved last, if there is something. */
async function offerSaved() {
  try {
    const [newest] = await fetchWorlds();
    if (newest) app.offer(asPlace(newest));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
  }
}

/** @param {string} text about what was done in play or in the menu */
function tell(text) {
  if (app.screen.name === "paused") app.menu.notify(text, "progress");
  else toast(text);
}

async function savePicture() {
  saveFile(await app.surface.picture(), fileNameOf(app.placeTitle, new Date()));
  tell(phrase("places.pictureSaved"));
}

async function copyLink() {
  if (app.screen.name === "gallery") return;
  const link = address.linkTo(originOf(app.screen.seed));
  tell((await copyText(link)) ? phrase("places.linkCopied") : phrase("places.link", { link }));
}

function chooseEngine() {
  if (app.screen.name !== "paused") return;
  if (app.screen.seed.world_id === undefined) library.chooseEngine(app.screen.seed);
  else tell(phrase("places.worldKeepsEngine"));
}

function report() {
  return diagnosticsText({
    screen: app.screen.name,
    lastStage: app.lastStage,
    lastProblem: app.lastProblem,
    systemInfo: app.systemInfo,
    health: library.health,
    doctor: doctor.examination,
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
  "choose-engine": chooseEngine,
  "save-picture": () => void savePicture(),
  "copy-picture": () =>
    void copyPicture(app.surface.picture()).then((isDone) => tell(phrase(isDone ? "places.pictureCopied" : "places.pictureNotCopied"))),
  "copy-link": () => void copyLink(),
  share: () => void app.sharing.share(),
  "stop-sharing": () => void app.sharing.stop(),
  "let-guest-play": () => void app.sharing.answer(true),
  "decline-guest": () => void app.sharing.answer(false),
  "take-controls": () => void app.sharing.takeBack(),
  "show-player-settings": () => app.showSettings(),
  "hide-player-settings": () => app.hideSettings(),
  "edit-scene": () => app.authoring.open("edit"),
  "generate-scene": () => app.authoring.open("scene"),
  rewind: () => void app.changes.rewind(),
  "toggle-recording": () => void app.recording.toggle(),
  "keep-clip": () => void app.recording.keepClip(),
  "show-recordings": () => recordings.open(),
  "hide-recordings": () => recordings.close(),
  "show-studio": () => studio.open(),
  "hide-studio": () => studio.close(),
  "film-this": () => void filmThis(),
  "show-jobs": () => {
    worlds.close();
    jobs.open();
  },
  "hide-jobs": () => jobs.close(),
  "show-models": () => models.open(),
  "get-model": () => app.screen.name === "lost" && models.open(library.engineOf(app.screen.seed)),
  "hide-models": () => models.close(),
  "show-doctor": () => doctor.open(),
  "hide-doctor": () => doctor.close(),
  "show-server-settings": () => serverSettings.open(),
  "show-authoring-settings": () => serverSettings.open("writer_endpoint"),
  "hide-server-settings": () => serverSettings.close(),
  "show-people": () => people.open(),
  "hide-people": () => people.close(),
  "show-account": () => account.open(),
  "hide-account": () => account.close(),
  "sign-in": () => entrance.ask(),
  fullscreen: () => void toggleFullscreen().catch(() => log.write("warning", "Fullscreen was refused.")),
  "toggle-log": (button) => panel.toggle(button),
  "copy-diagnostics": (button) => void handOver(report(), button),
});

document.addEventListener("keydown", (event) => {
  if (entrance.isOpen) return;
  // During play the controls handle it.
  const isRecord = app.settings.keys.actionOf(event.code) === "record" && app.menu.isOpen && !event.repeat;
  if (isRecord && document.querySelectorAll("dialog[open]").length === 1) void app.recording.toggle();
  if (event.code === "Escape" && ["loading", "lost"].includes(app.screen.name)) app.leave();
  // A guest plays, so that the controls of this page are off.
  if (event.code === "Escape" && app.screen.name === "playing" && app.sharing.guestPlays) app.pause();
});

document.addEventListener("visibilitychange", followJobs);

/**
 * A world is entered. Pictures go into the gallery; a world that is paused takes the first one.
 *
 * @param {readonly File[]} files that were picked, dropped or pasted
 */
async function take(files) {
  const world = files.find(({ name }) => name.toLowerCase().endsWith(".world"));
  if (world) return worlds.receive(world);
  if (studio.isOpen) return studio.receive(files);
  const isPaused = app.screen.name === "paused";
  const [first, ...others] = await framing.frame(isPaused ? files.slice(0, 1) : files);
  if (!first) return;
  if (isPaused) await app.changes.upload(first);
  else await library.addToGallery([first, ...others]);
}

listenForFiles(
  (files) => void take(files),
  () => ["gallery", "paused"].includes(app.screen.name) && !app.authoring.isOpen && !entrance.isOpen && !framing.isOpen,
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
