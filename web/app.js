// @ts-check
// The application: moves between the screens (gallery, loading, play, pause, lost) and connects their parts.

import { Authoring } from "./authoring.js";
import { retryDelay } from "./backoff.js";
import { RequestError } from "./connection.js";
import { LoadingCurtain, LostCurtain } from "./curtains.js";
import { Menu } from "./menu.js";
import { PlayerSettings } from "./player_settings.js";
import { fragmentOf } from "./place_address.js";
import { PlaySurface } from "./play_surface.js";
import { RecordingControl } from "./recording_control.js";
import { originOf, Session, sessionConfig } from "./session.js";
import { Sharing } from "./sharing.js";
import { loadSettings, saveSettings } from "./settings.js";
import { describeProgress, describeStage } from "./stages.js";
import { showTheme } from "./theme.js";
import { transition } from "./state.js";
import { clearToasts, toast } from "./toasts.js";
import { forgetWayBack, keepWayBack, wayBackTo } from "./way_back.js";
import { WorldChanges } from "./world_changes.js";
import { resumedText } from "./world_texts.js";

/** @import { Library } from "./library.js" */
/** @import { LogBook } from "./log_book.js" */
/** @import { Problem } from "./problems.js" */
/** @import { Push } from "./connection.js" */
/** @import { ResumedWorld, StageId, SystemInfo } from "./protocol.generated.d.ts" */
/** @import { SeedSummary } from "./rest.js" */
/** @import { Settings } from "./settings.js" */
/** @import { Screen } from "./state.js" */

const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @typedef {object} AppListener
 * @property {(problem: Problem) => void} onLost the session has ended, whatever the reason
 * @property {(seed: SeedSummary | null) => void} onPlace the place that is played from now on; null in the gallery
 * @property {() => void} onScreenshot
 */

export class App {
  /** @type {Screen} */
  #screen = { name: "gallery" };
  /** @type {Session | null} */
  #session = null;
  #retryTimer = 0;
  settings = loadSettings();
  /** @type {StageId | null} */
  lastStage = null;
  /** @type {Problem | null} */
  lastProblem = null;
  /** @type {SystemInfo | null} */
  systemInfo = null;
  #loading = new LoadingCurtain();
  #lost = new LostCurtain();
  #library;
  #log;
  #listener;
  #playerSettings = new PlayerSettings((change) => this.change(change));
  surface;
  menu;
  changes;
  recording;
  authoring;
  sharing;

  /**
   * @param {Library} library
   * @param {LogBook} log
   * @param {AppListener} listener
   */
  constructor(library, log, listener) {
    this.#library = library;
    this.#log = log;
    this.#listener = listener;
    this.surface = new PlaySurface({
      session: () => this.#session,
      settings: () => this.settings,
      shortcuts: {
        pause: () => this.pause(),
        reset: () => this.reset(),
        rewind: () => void this.changes.rewind(),
        editScene: () => this.authoring.open("edit"),
        record: () => void this.recording.toggle(),
        keepClip: () => void this.recording.keepClip(),
        screenshot: listener.onScreenshot,
        statistics: () => this.change({ overlay: !this.settings.overlay }),
      },
      onLearnt: () => this.change({ knowsControls: true }),
      onLost: () => this.#session?.giveUp(),
      onBroken: (error) => log.write("error", `A frame could not be read: ${error}`),
      onCodec: (codec, reason) => this.#useVideo(codec, reason),
    });
    this.menu = new Menu({
      onResume: () => this.resume(),
      onReset: () => this.reset(),
      onPicture: (seed) => void this.changes.changeSeed(seed),
      onPickFile: () => library.pickFile(),
      bindings: () => this.settings.keys,
    });
    this.changes = new WorldChanges(this, library, log);
    this.recording = new RecordingControl(this, log);
    this.authoring = new Authoring(this, library, log);
    this.sharing = new Sharing(this);
    this.change({});
    REDUCED_MOTION.addEventListener("change", () => this.#showMotion());
    document.addEventListener("visibilitychange", () => document.hidden && this.pause());
    addEventListener("pagehide", () => this.#keepWayBack());
  }

  get screen() {
    return this.#screen;
  }

  get session() {
    return this.#session;
  }

  /**
   * @param {SeedSummary} seed
   * @param {number} attempt
   */
  enter(seed, attempt = 0) {
    this.#go({ name: "loading", seed, attempt });
    this.#loading.open(seed);
    this.surface.restart();
    const origin = originOf(seed);
    const way = wayBackTo(fragmentOf(origin));
    const start = {
      model: this.#library.engineFor(seed),
      origin,
      config: sessionConfig(this.settings.capFps, way?.isRecorded ?? false),
      codec: this.surface.codec(),
      wayBack: way?.token ?? null,
    };
    this.#listener.onPlace(seed);
    this.#session = new Session(start, {
      onPush: (push) => this.#received(push),
      onFrame: (envelope) => this.surface.receive(envelope),
      onEntered: () => this.#entered(),
      onEnded: (problem) => this.#ended(problem),
    });
  }

  pause() {
    if (this.#screen.name !== "playing") return;
    this.freeze();
    this.changes.show();
    this.menu.open(this.#screen.seed.title);
  }

  /** Pause without showing the menu, because something else covers the world. */
  freeze() {
    if (this.#screen.name !== "playing") return;
    this.#go({ name: "paused", seed: this.#screen.seed, isBusy: false });
    this.surface.stop();
    this.#session?.notify("pause");
  }

  resume() {
    if (this.#screen.name !== "paused" || this.#screen.isBusy) return;
    this.#go({ name: "playing", seed: this.#screen.seed });
    this.menu.close();
    this.#session?.notify("resume");
    this.handsChanged();
  }

  /** The player plays, or only watches while a guest has the controls. */
  handsChanged() {
    if (this.#screen.name !== "playing") return;
    if (this.sharing.guestPlays) this.surface.stop();
    else this.surface.start();
  }

  reset() {
    if (this.#screen.name !== "playing" && this.#screen.name !== "paused") return;
    this.#session?.notify("reset");
    this.authoring.forgetChanges();
    this.#log.write("info", "The world starts over");
    this.resume();
    this.surface.nudge();
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    if (this.#screen.name === "paused") this.#go({ ...this.#screen, isBusy });
    this.menu.setBusy(isBusy);
  }

  /** The title of the place that is played. */
  get placeTitle() {
    return this.#screen.name === "gallery" ? "" : this.#screen.seed.title;
  }

  /** @param {SeedSummary} seed that is played now */
  setSeed(seed) {
    if (this.#screen.name !== "paused") return;
    this.#go({ ...this.#screen, seed });
    this.#listener.onPlace(seed);
    this.#keepWayBack();
  }

  /** A reload, or another session after this one is lost, comes back into this very world. */
  #keepWayBack() {
    const token = this.#session?.resumeToken;
    if (!token || this.#screen.name === "gallery") return;
    keepWayBack({ token, place: fragmentOf(originOf(this.#screen.seed)), isRecorded: this.recording.isOn });
  }

  leave() {
    if (this.#screen.name === "gallery") return;
    const { seed } = this.#screen;
    this.#dropSession();
    this.changes.forget();
    forgetWayBack();
    this.#go({ name: "gallery" });
    this.#listener.onPlace(null);
    this.#library.focus(seed.hash);
  }

  retry() {
    if (this.#screen.name !== "lost") return;
    if (this.#screen.problem.recovery === "reload") return location.reload();
    this.#lost.tryNow();
    this.enter(this.#screen.seed, this.#screen.attempt);
  }

  /** @param {Partial<Settings>} change */
  change(change) {
    Object.assign(this.settings, change);
    saveSettings(this.settings);
    this.#playerSettings.show(this.settings);
    this.surface.showOverlay(this.settings.overlay);
    this.#showMotion();
    showTheme(this.settings.theme);
    if (change.alwaysVideo !== undefined) this.#useVideo(this.surface.codec(), "the settings ask for it");
    if (change.capFps === undefined) return;
    void this.changes.changeConfig(sessionConfig(change.capFps, this.recording.isOn));
  }

  showSettings() {
    this.#playerSettings.open();
  }

  hideSettings() {
    this.#playerSettings.close();
  }

  #showMotion() {
    const isReduced = this.settings.reducedMotion || REDUCED_MOTION.matches;
    document.documentElement.dataset.motion = isReduced ? "reduced" : "full";
  }

  /**
   * The world goes on as it is, only its frames come otherwise.
   *
   * @param {"jpeg" | "h264"} codec
   * @param {string} reason
   */
  #useVideo(codec, reason) {
    if (!this.#session) return;
    this.#log.write("info", `Frames are asked for as ${codec === "h264" ? "H.264" : "JPEGs"}: ${reason}`);
    this.#session.useVideo(codec).catch((error) => {
      if (!(error instanceof RequestError)) throw error;
      this.#log.write("warning", `Frames come as before: ${error.message}`);
    });
  }

  /** @param {Push} push */
  #received(push) {
    if (push.type === "status") {
      const { text, percent } = describeStage(push.stage, push.message);
      this.lastStage = push.stage;
      this.#loading.show(text, percent);
      this.#log.write("info", push.message ?? text);
      if (push.message !== undefined) this.changes.notice(push.message, "info");
      // A retry that gets this far has a slot on the server.
      document.body.dataset.screen = this.#screen.name;
    } else if (push.type === "progress") {
      this.#loading.show(describeProgress(push), null);
      this.authoring.progress(push);
    } else if (push.type === "recording") {
      this.recording.receive(push);
    } else if (push.type === "sharing") {
      this.sharing.receive(push);
    } else if (push.type === "system_info") {
      const { type: _, ...info } = push;
      this.systemInfo = info;
    } else if (push.type === "error" || push.type === "warning" || push.type === "log") {
      this.changes.tell(push);
    }
  }

  #entered() {
    if (this.#screen.name !== "loading") return;
    const { seed } = this.#screen;
    this.#lost.stop();
    this.#go({ name: "playing", seed });
    this.#keepWayBack();
    this.#tellWhereItBegins(this.#session?.resumed ?? null);
    this.surface.start();
    void this.#takeUpVideo();
    // The page is hidden, so the world is paused.
    if (document.hidden) this.pause();
  }

  /** A busy browser may say that it decodes H.264 only after the connection was opened. */
  async #takeUpVideo() {
    const session = this.#session;
    const codec = await this.surface.knownCodec();
    if (session === this.#session && session?.codec !== codec) this.#useVideo(codec, "the browser can decode it");
  }

  /** @param {ResumedWorld | null} resumed null if the world begins anew */
  #tellWhereItBegins(resumed) {
    if (!resumed) return this.changes.forget();
    this.changes.kept(resumed.kept);
    const text = resumedText(resumed.lost_s);
    this.#log.write("info", text);
    toast(text);
  }

  /** @param {Problem} end */
  #ended(end) {
    if (this.#screen.name === "gallery" || this.#screen.name === "lost") return;
    const attempt = this.#screen.name === "loading" ? this.#screen.attempt : 0;
    const { seed } = this.#screen;
    // The original problem says more than a failed attempt to reconnect.
    const isFailedTry = attempt > 0 && end.code === null && this.lastProblem?.recovery === "reconnect";
    const problem = isFailedTry && this.lastProblem ? this.lastProblem : end;
    this.#log.write("error", `${problem.title}: ${problem.text}`);
    this.lastProblem = problem;
    if (this.#mayComeBack(end)) this.#keepWayBack();
    else forgetWayBack();
    this.#dropSession();
    this.#go({ name: "lost", seed, attempt: attempt + 1, problem });
    // The curtain shows the full text.
    clearToasts();
    this.#lost.open(problem);
    if (problem.recovery === "reconnect" || problem.recovery === "queue") {
      const delay = retryDelay(problem.recovery, attempt);
      this.#lost.countDown(delay);
      this.#retryTimer = window.setTimeout(() => this.retry(), delay);
    }
    this.#listener.onLost(problem);
  }

  /**
   * Whether the server may still have the world: it was cut off, or could not be opened again just now.
   *
   * @param {Problem} end
   */
  #mayComeBack({ code }) {
    if (code === null || code === "shuttingDown") return true;
    return this.#screen.name === "loading" && code !== "resumeTooLate" && code !== "resumedElsewhere";
  }

  /** @param {SeedSummary} world that may be entered instead of the one that was lost */
  offer(world) {
    if (this.#screen.name === "lost") this.#lost.offer(world.title, () => this.enter(world));
  }

  /** Do not enter again by itself, because the person has to sign in first. */
  holdRetries() {
    clearTimeout(this.#retryTimer);
    this.#lost.stop();
  }

  #dropSession() {
    clearTimeout(this.#retryTimer);
    this.#lost.stop();
    this.#session?.leave();
    this.#session = null;
    this.surface.stop();
    this.recording.forget();
    this.authoring.forget();
    this.sharing.forget();
    this.menu.setBusy(false);
    this.menu.close();
  }

  /** @param {Screen} screen */
  #go(screen) {
    clearTimeout(this.#retryTimer);
    this.#screen = transition(this.#screen, screen);
    this.#library.jobs.follow(screen.name === "gallery");
    // The notice stays during automatic retries, so that it does not flicker.
    const isRetry = screen.name === "loading" && screen.attempt > 0;
    document.body.dataset.screen = isRetry ? "lost" : screen.name;
  }
}
