// @ts-check
// One session: the handshake up to the first frame, the requests during play, and the reason why it ended.

import { Connection, LOST, RequestError } from "./connection.js";
import { problemOfClose, problemOfError, problemOfRequest } from "./problems.js";
import { phrase } from "./texts/texts.js";

/** @import { ControlNotification, ErrorMessage, FrameHeader, ExtendedInitResponseData } from "./protocol.generated.d.ts" */
/** @import { RecordingResponseData, SessionConfig, MomentResponseData } from "./protocol.generated.d.ts" */
/** @import { GenerateSceneResponseData, SceneEditResponseData } from "./protocol.generated.d.ts" */
/** @import { PromptResponseData, ResumedWorld } from "./protocol.generated.d.ts" */
/** @import { ClipResponseData, KeepPictureResponseData, RewindResponseData, SaveWorldResponseData, SharingData, VideoResponseData } from "./protocol.generated.d.ts" */
/** @import { Push } from "./connection.js" */
/** @import { Problem } from "./problems.js" */

const REFUSAL_GRACE_MS = 250;
// An error explains the end of the session only if it came at most this long before.
const ERROR_BELONGS_MS = 10_000;

/**
 * @typedef {object} SessionListener
 * @property {(push: Push) => void} onPush gets every message that is not a reply
 * @property {(envelope: ArrayBuffer) => void} onFrame
 * @property {() => void} onEntered a frame, the stage session.ready and the reply to init have all arrived
 * @property {(problem: Problem) => void} onEnded is not called after `leave`
 */

/** @typedef {{ seed_hash: string } | { world_id: string }} Origin a picture or a saved world */

/**
 * @param {{ hash: string, world_id?: string }} place
 * @returns {Origin}
 */
export function originOf({ hash, world_id }) {
  return world_id === undefined ? { seed_hash: hash } : { world_id };
}

/**
 * @param {boolean} capFps
 * @param {boolean} isRecorded
 * @returns {SessionConfig}
 */
export function sessionConfig(capFps, isRecorded) {
  return {
    engine_backend: "world_engine",
    scene_authoring: false,
    action_logging: false,
    video_recording: isRecorded,
    video_output_dir: null,
    cap_inference_fps: capFps,
  };
}

export class Session {
  #listener;
  #connection;
  #model;
  #config;
  #origin;
  #has = { frame: false, ready: false, reply: false };
  #isEntered = false;
  #isOver = false;
  /** @type {{ message: ErrorMessage, at: number } | null} */
  #error = null;
  /** @type {RequestError | null} */
  #refusal = null;
  /** @type {string | null} */
  #resumeToken = null;
  #wayBack;
  /** @type {"jpeg" | "h264"} */
  #codec;
  /** @type {ResumedWorld | null} what became of a world that was left; null for one that has just begun */
  resumed = null;

  /**
   * @param {{ model: string | null, origin: Origin, config: SessionConfig, codec: "jpeg" | "h264", wayBack: string | null }} start
   *   `wayBack` is the token of a world of this origin that was left
   * @param {SessionListener} listener
   */
  constructor(start, listener) {
    this.#listener = listener;
    this.#model = start.model;
    this.#origin = start.origin;
    this.#wayBack = start.wayBack;
    this.#config = start.config;
    this.#codec = start.codec;
    this.#connection = new Connection(
      {
        onOpen: () => void this.#start(),
        onPush: (push) => this.#received(push),
        onFrame: (envelope) => this.#receivedFrame(envelope),
        onClose: (close) => this.#end(this.#cause() ?? problemOfClose(close)),
      },
      start.codec,
    );
  }

  /** The model of the world in play, once the server has answered. */
  get model() {
    return this.#model;
  }

  /** Leads back into this world from another session; null where the server keeps none. */
  get resumeToken() {
    return this.#resumeToken;
  }

  /** What frames were asked for as. */
  get codec() {
    return this.#codec;
  }

  get isClear() {
    return this.#connection.isClear;
  }

  /** @param {ControlNotification} control */
  control(control) {
    this.#connection.send(control);
  }

  /** @param {FrameHeader} header */
  acknowledge({ frame_id, epoch }) {
    this.#connection.send({ type: "frame_ack", frame_id, epoch });
  }

  /** @param {"pause" | "resume" | "reset"} type */
  notify(type) {
    this.#connection.send({ type });
  }

  /**
   * @param {Origin} origin
   * @param {string | null} model null for the server's choice
   * @throws {RequestError}
   */
  async changeWorld(origin, model) {
    await this.#init(origin, model);
    this.#origin = origin;
  }

  /**
   * @param {SessionConfig} config
   * @throws {RequestError}
   */
  async changeConfig(config) {
    this.#config = { ...config, scene_authoring: this.#config.scene_authoring };
    await this.#init({});
  }

  /**
   * Tell the server that this session will request scenes. Once is enough.
   *
   * @throws {RequestError}
   */
  async wantScenes() {
    if (this.#config.scene_authoring) return;
    this.#config = { ...this.#config, scene_authoring: true };
    await this.#init({});
  }

  /**
   * @param {string} prompt
   * @param {number} timeout_s
   * @param {AbortSignal} signal
   * @returns {Promise<SceneEditResponseData>}
   */
  editScene(prompt, timeout_s, signal) {
    return this.#connection.request({ type: "scene_edit", prompt, timeout_s }, signal);
  }

  /**
   * @param {string} prompt
   * @param {number} timeout_s
   * @param {AbortSignal} signal
   * @returns {Promise<GenerateSceneResponseData>}
   */
  async generateScene(prompt, timeout_s, signal) {
    /** @type {GenerateSceneResponseData} */
    const made = await this.#connection.request({ type: "generate_scene", prompt, timeout_s }, signal);
    this.#origin = { seed_hash: made.seed_hash };
    return made;
  }

  /** @returns {Promise<MomentResponseData>} */
  takeMoment() {
    return this.#connection.request({ type: "take_moment" });
  }

  /**
   * @param {string} momentId
   * @returns {Promise<MomentResponseData>}
   */
  restoreMoment(momentId) {
    return this.#connection.request({ type: "restore_moment", moment_id: momentId });
  }

  /**
   * @param {number} seconds
   * @returns {Promise<RewindResponseData>}
   */
  rewind(seconds) {
    return this.#connection.request({ type: "rewind", seconds });
  }

  /**
   * @param {string} prompt
   * @returns {Promise<PromptResponseData>}
   */
  setPrompt(prompt) {
    return this.#connection.request({ type: "set_prompt", prompt });
  }

  /**
   * @param {string} title
   * @param {string} [momentId] a kept moment; the present one if absent
   * @returns {Promise<SaveWorldResponseData>}
   */
  saveWorld(title, momentId) {
    const moment = momentId === undefined ? {} : { moment_id: momentId };
    return this.#connection.request({ type: "save_world", title, ...moment });
  }

  /**
   * @param {"jpeg" | "h264"} codec
   * @returns {Promise<VideoResponseData>} what frames are sent as now
   */
  useVideo(codec) {
    this.#codec = codec;
    return this.#connection.request({ type: "video", codec });
  }

  /**
   * A segment that the person ends is kept even if it is short.
   *
   * @param {boolean} on
   * @returns {Promise<RecordingResponseData>}
   */
  switchRecording(on) {
    return this.#connection.request({ type: "recording", on, keep_short: !on });
  }

  /** @returns {Promise<SharingData>} with the link by which others may watch */
  share() {
    return this.#connection.request({ type: "share" });
  }

  /** @returns {Promise<SharingData>} */
  stopSharing() {
    return this.#connection.request({ type: "stop_sharing" });
  }

  /**
   * @param {number} guest
   * @param {boolean} granted
   * @returns {Promise<SharingData>}
   */
  answerGuest(guest, granted) {
    return this.#connection.request({ type: "answer_guest", guest, granted });
  }

  /**
   * @param {number} guest
   * @returns {Promise<SharingData>}
   */
  sendAway(guest) {
    return this.#connection.request({ type: "send_away", guest });
  }

  /** @returns {Promise<SharingData>} */
  takeControls() {
    return this.#connection.request({ type: "take_controls" });
  }

  /** @returns {Promise<ClipResponseData>} the recording of the newest seconds, which is being written */
  keepClip() {
    return this.#connection.request({ type: "keep_clip" });
  }

  /**
   * @param {string} title
   * @returns {Promise<KeepPictureResponseData>} what is seen now, as a picture of the gallery
   */
  keepPicture(title) {
    return this.#connection.request({ type: "keep_picture", title });
  }

  /** @param {boolean} isRecorded sent with every later `init`, which would otherwise change the state */
  setRecorded(isRecorded) {
    this.#config = { ...this.#config, video_recording: isRecorded };
  }

  /** To be called if the socket is open but silent, so that no close can be expected. */
  giveUp() {
    this.#end(problemOfClose({ code: 1006, reason: phrase("problems.silent"), wasOpen: true }));
  }

  leave() {
    this.#isOver = true;
    this.#connection.close();
  }

  /**
   * @param {Partial<Origin> | { resume_token: string }} origin
   * @param {string | null} model
   * @returns {Promise<ExtendedInitResponseData>}
   */
  async #init(origin, model = this.#model) {
    const request = { type: /** @type {const} */ ("init"), model, config: this.#config, ...origin };
    /** @type {ExtendedInitResponseData} */
    const reply = await this.#connection.request(request);
    // A saved world has its own model, which the next `init` must not change.
    this.#model = reply.model;
    this.#resumeToken = reply.resume_token ?? null;
    return reply;
  }

  async #start() {
    try {
      const token = this.#wayBack;
      const reply = await (token === null ? this.#init(this.#origin) : this.#init({ resume_token: token }, null));
      this.resumed = reply.resumed ?? null;
      this.#has.reply = true;
      this.#enterWhenComplete();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#refusal = error;
      // The `error` message says more than the reply, and may arrive right after it.
      setTimeout(() => this.#end(this.#cause() ?? problemOfRequest(error)), REFUSAL_GRACE_MS);
    }
  }

  /** The server's reason for the end if it sent one, else how the socket closed. */
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
    this.#isOver = true;
    this.#connection.close(LOST);
    this.#listener.onEnded(problem);
  }
}
