// @ts-check
// One stay in a world: the handshake up to the first frame, what can be asked for while playing, and why it ended.

import { Connection, RequestError } from "./connection.js";
import { problemOfClose, problemOfError, problemOfRequest } from "./problems.js";

/** @import { ControlNotification, ErrorMessage, InitResponseData } from "./protocol.generated.d.ts" */
/** @import { SessionConfig, SnapshotResponseData } from "./protocol.generated.d.ts" */
/** @import { Push } from "./connection.js" */
/** @import { Problem } from "./problems.js" */

const REFUSAL_GRACE_MS = 250;
// An error that the session outlived for longer is not why it ended.
const ERROR_BELONGS_MS = 10_000;

/**
 * @typedef {object} SessionListener
 * @property {(push: Push) => void} onPush every message that is no reply, as it came
 * @property {(envelope: ArrayBuffer) => void} onFrame
 * @property {() => void} onEntered a frame, stage session.ready and the reply to init have all come
 * @property {(problem: Problem) => void} onEnded never after `leave`
 */

/**
 * @param {boolean} capFps
 * @returns {SessionConfig}
 */
export function sessionConfig(capFps) {
  return {
    engine_backend: "world_engine",
    scene_authoring: false,
    action_logging: false,
    video_recording: false,
    video_output_dir: null,
    cap_inference_fps: capFps,
  };
}

export class Session {
  #listener;
  #connection;
  #model;
  #config;
  #seedHash;
  #has = { frame: false, ready: false, reply: false };
  #isEntered = false;
  #isOver = false;
  /** @type {{ message: ErrorMessage, at: number } | null} */
  #error = null;
  /** @type {RequestError | null} */
  #refusal = null;

  /**
   * @param {{ model: string, seedHash: string, config: SessionConfig }} start
   * @param {SessionListener} listener
   */
  constructor(start, listener) {
    this.#listener = listener;
    this.#model = start.model;
    this.#seedHash = start.seedHash;
    this.#config = start.config;
    this.#connection = new Connection({
      onOpen: () => void this.#start(),
      onPush: (push) => this.#received(push),
      onFrame: (envelope) => this.#receivedFrame(envelope),
      onClose: (close) => this.#end(this.#cause() ?? problemOfClose(close)),
    });
  }

  get isClear() {
    return this.#connection.isClear;
  }

  /** @param {ControlNotification} control */
  control(control) {
    this.#connection.send(control);
  }

  /** @param {number} frameId */
  acknowledge(frameId) {
    this.#connection.send({ type: "frame_ack", frame_id: frameId });
  }

  /** @param {"pause" | "resume" | "reset"} type */
  notify(type) {
    this.#connection.send({ type });
  }

  /**
   * @param {string} seedHash
   * @throws {RequestError}
   */
  async changeSeed(seedHash) {
    await this.#init({ seed_hash: seedHash });
    this.#seedHash = seedHash;
  }

  /**
   * @param {SessionConfig} config
   * @throws {RequestError}
   */
  async changeConfig(config) {
    this.#config = config;
    await this.#init({});
  }

  /** @returns {Promise<SnapshotResponseData>} */
  takeSnapshot() {
    return this.#connection.request({ type: "take_snapshot" });
  }

  /**
   * @param {string} snapshotId
   * @returns {Promise<SnapshotResponseData>}
   */
  restoreSnapshot(snapshotId) {
    return this.#connection.request({ type: "restore_snapshot", snapshot_id: snapshotId });
  }

  /** The socket is open and silent: what a close would say does not come. */
  giveUp() {
    this.#end(problemOfClose({ code: 1006, reason: "No frame came for a while.", wasOpen: true }));
  }

  leave() {
    this.#isOver = true;
    this.#connection.close();
  }

  /**
   * @param {{ seed_hash?: string }} seed
   * @returns {Promise<InitResponseData>}
   */
  #init(seed) {
    return this.#connection.request({ type: "init", model: this.#model, config: this.#config, ...seed });
  }

  async #start() {
    try {
      await this.#init({ seed_hash: this.#seedHash });
      this.#has.reply = true;
      this.#enterWhenComplete();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#refusal = error;
      // A push says more than the reply, and may come right after it.
      setTimeout(() => this.#end(this.#cause() ?? problemOfRequest(error)), REFUSAL_GRACE_MS);
    }
  }

  /** What the server said about the end, rather than how the socket closed. */
  #cause() {
    const isRecent = this.#error && performance.now() - this.#error.at < ERROR_BELONGS_MS;
    if (this.#error && isRecent) return problemOfError(this.#error.message);
    return this.#refusal ? problemOfRequest(this.#refusal) : null;
  }

  /** @param {Push} push */
  #received(push) {
    if (push.type === "error") this.#error = { message: push, at: performance.now() };
    if (push.type === "status" && push.stage === "session.ready") this.#has.ready = true;
    this.#listener.onPush(push);
    this.#enterWhenComplete();
  }

  /** @param {ArrayBuffer} envelope */
  #receivedFrame(envelope) {
    this.#has.frame = true;
    this.#listener.onFrame(envelope);
    this.#enterWhenComplete();
  }

  #enterWhenComplete() {
    if (this.#isEntered || this.#isOver || !Object.values(this.#has).every(Boolean)) return;
    this.#isEntered = true;
    this.#listener.onEntered();
  }

  /** @param {Problem} problem */
  #end(problem) {
    if (this.#isOver) return;
    this.leave();
    this.#listener.onEnded(problem);
  }
}
