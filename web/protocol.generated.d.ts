// Generated from wire_protocol.py by scripts/generate_protocol.py. Do not edit.

export type PROTOCOL_VERSION = 5;
export type KEY_CODES = {
  "0": 48;
  "1": 49;
  "2": 50;
  "3": 51;
  "4": 52;
  "5": 53;
  "6": 54;
  "7": 55;
  "8": 56;
  "9": 57;
  MOUSE_LEFT: 1;
  MOUSE_RIGHT: 2;
  MOUSE_MIDDLE: 4;
  MOUSE_X1: 5;
  MOUSE_X2: 6;
  TAB: 9;
  ENTER: 13;
  SHIFT: 16;
  CTRL: 17;
  ALT: 18;
  SPACE: 32;
  LEFT: 37;
  UP: 38;
  RIGHT: 39;
  DOWN: 40;
  A: 65;
  B: 66;
  C: 67;
  D: 68;
  E: 69;
  F: 70;
  G: 71;
  H: 72;
  I: 73;
  J: 74;
  K: 75;
  L: 76;
  M: 77;
  N: 78;
  O: 79;
  P: 80;
  Q: 81;
  R: 82;
  S: 83;
  T: 84;
  U: 85;
  V: 86;
  W: 87;
  X: 88;
  Y: 89;
  Z: 90;
  SCROLL_UP: 256;
  SCROLL_DOWN: 257;
};
export type ClientMessage =
  | ControlNotification
  | PauseNotification
  | ResumeNotification
  | ResetNotification
  | PromptNotification
  | InitRequest
  | SceneEditRequest
  | GenerateSceneRequest
  | CheckSeedSafetyRequest;
/**
 * The finer cause of an error, on the socket (`code`) and in REST bodies. Stable: clients may switch on it.
 */
export type ErrorCode =
  | "protocolVersionMismatch"
  | "serverBusy"
  | "tooManySessions"
  | "displaced"
  | "resumedElsewhere"
  | "resumeTooLate"
  | "initTimeout"
  | "shuttingDown"
  | "clientTooSlow"
  | "sessionUnknown"
  | "ticketInvalid"
  | "ticketExpired"
  | "ticketUsed"
  | "invalidRequest"
  | "messageTooLarge"
  | "tooManyRequests"
  | "cancelled"
  | "requestTimeout"
  | "notReady"
  | "internal"
  | "unknownModel"
  | "modelNotPulled"
  | "unsupportedQuant"
  | "unsupportedBackend"
  | "modelLoadFailed"
  | "modelBusy"
  | "modelBuiltIn"
  | "modelInUse"
  | "modelDoesNotFit"
  | "modelHubUnavailable"
  | "modelAccessNeeded"
  | "modelUnusable"
  | "modelNotKept"
  | "engineFailed"
  | "seedMissing"
  | "seedUnknown"
  | "seedNotBase64"
  | "seedEmpty"
  | "seedNotAPicture"
  | "seedTooLarge"
  | "seedUnsafe"
  | "seedCheckFailed"
  | "seedShipped"
  | "seedNotKept"
  | "momentUnknown"
  | "nothingToRewind"
  | "promptInvalid"
  | "promptNotHeard"
  | "sizeNotDrawn"
  | "nothingToKeep"
  | "authoringEmptyPrompt"
  | "authoringUnavailable"
  | "authoringPromptTooLong"
  | "authoringInProgress"
  | "authoringLoadFailed"
  | "authoringEditRefused"
  | "authoringSceneRefused"
  | "authoringFailed"
  | "authoringOutdated"
  | "linkUnknown"
  | "sharingOff"
  | "sharingEnded"
  | "tooManyWatchers"
  | "sentAway"
  | "watchOnly"
  | "controlsTaken"
  | "guestUnknown"
  | "jobUnknown"
  | "jobKindUnknown"
  | "jobNotOver"
  | "jobNotRetryable"
  | "jobKeyReused"
  | "jobsUnavailable"
  | "jobNotKept"
  | "jobHasNoFile"
  | "serverRestarted"
  | "filmFailed"
  | "scriptTooLong"
  | "scriptFailed"
  | "agentsMissing"
  | "filmUnknown"
  | "filmNotMade"
  | "filmRefused"
  | "filmSourceUnknown"
  | "filmSourceUnusable"
  | "filmSourceTooLarge"
  | "filmSourceInUse"
  | "filmLoraRefused"
  | "filmOutOfMemory"
  | "filmNotesMissing"
  | "filmQuotaUsed"
  | "filmNotKept"
  | "feedbackUnknown"
  | "feedbackUnavailable"
  | "feedbackNotKept"
  | "ownersUnavailable"
  | "worldUnknown"
  | "worldNotAWorld"
  | "worldDamaged"
  | "worldTooLarge"
  | "worldOtherVersion"
  | "worldOtherModel"
  | "worldNotKept"
  | "recordingUnknown"
  | "recordingNameInvalid"
  | "recordingNameTaken"
  | "recordingInUse"
  | "recordingDamaged"
  | "recordingFolderRefused"
  | "recordingFolderUnusable"
  | "recordingDiskFull"
  | "recordingQuotaUsed"
  | "recordingEncoderMissing"
  | "recordingFailed"
  | "settingsChanged"
  | "settingsRevisionMissing"
  | "settingsRefused"
  | "settingsBroken"
  | "settingsNotKept"
  | "hostInvalid"
  | "hostForbidden"
  | "originForbidden"
  | "tokenRequired"
  | "localOnly"
  | "anonymousNotAllowed"
  | "uploadQuotaUsed"
  | "signInRequired"
  | "signInFailed"
  | "tooManyAttempts"
  | "roleNotAllowed"
  | "scopeMissing"
  | "accountsOff"
  | "accountsUnavailable"
  | "accountNotKept"
  | "accountUnknown"
  | "accountNameTaken"
  | "accountNameInvalid"
  | "passwordInvalid"
  | "lastOwner"
  | "ownerExists"
  | "codeInvalid"
  | "notAPerson"
  | "notFound"
  | "methodNotAllowed"
  | "serviceUnavailable";
/**
 * Errors that a stock client has a translated text for.
 */
export type ErrorId =
  | "app.server.error.protocolVersionMismatch"
  | "app.server.error.serverBusy"
  | "app.server.error.serverStartupFailed"
  | "app.server.error.timeoutWaitingForSeed"
  | "app.server.error.initFailed"
  | "app.server.error.quantUnsupportedGpu"
  | "app.server.error.sceneAuthoringModelLoadFailed"
  | "app.server.error.sceneAuthoringEmptyPrompt"
  | "app.server.error.sceneAuthoringModelNotLoaded"
  | "app.server.error.sceneAuthoringAlreadyInProgress"
  | "app.server.error.sceneEditSafetyRejected"
  | "app.server.error.generateSceneSafetyRejected"
  | "app.server.error.deviceRecoveryFailed";
export type ExtendedClientMessage =
  | ControlNotification
  | PauseNotification
  | ResumeNotification
  | ResetNotification
  | PromptNotification
  | FrameAckNotification
  | CancelNotification
  | TimedInitRequest
  | TimedSceneEditRequest
  | TimedGenerateSceneRequest
  | TimedCheckSeedSafetyRequest
  | StepRequest
  | LookRequest
  | TakeMomentRequest
  | RestoreMomentRequest
  | RewindRequest
  | SetPromptRequest
  | KeepClipRequest
  | KeepPictureRequest
  | SaveWorldRequest
  | VideoRequest
  | RecordingRequest
  | ShareRequest
  | StopSharingRequest
  | AnswerGuestRequest
  | SendAwayRequest
  | TakeControlsRequest;
export type ExtendedServerMessage =
  | StatusMessage
  | SystemInfoMessage
  | ErrorMessage
  | WarningMessage
  | LogMessage
  | ProgressMessage
  | MovedMessage
  | RecordingMessage
  | SharingMessage
  | ExtendedRpcSuccess
  | RpcError;
/**
 * Where a connection is on its way to the first frame.
 */
export type StageId =
  | "startup.begin"
  | "startup.world_engine_manager"
  | "startup.safety_checker"
  | "startup.safety_ready"
  | "startup.ready"
  | "session.waiting_for_seed"
  | "session.loading_model.load"
  | "session.loading_model.instantiate"
  | "session.scene_authoring.load"
  | "session.warmup.reset"
  | "session.warmup.seed"
  | "session.warmup.compile"
  | "session.init.reset"
  | "session.init.seed"
  | "session.init.frame"
  | "session.reset"
  | "session.ready";
/**
 * Warnings that a stock client has a translated text for.
 */
export type WarningId =
  | "app.server.warning.missingSeedData"
  | "app.server.warning.invalidSeedData"
  | "app.server.warning.seedUnsafe"
  | "app.server.warning.seedSafetyCheckFailed"
  | "app.server.warning.seedLoadFailed";
/**
 * What an `init` is busy with, or waits for, and a request for a scene.
 */
export type ProgressStep =
  | "reading_picture"
  | "loading_model"
  | "checking_picture"
  | "opening_world"
  | "waiting_for_turn"
  | "waiting_for_place"
  | "writing_prompt"
  | "painting"
  | "changing_world";
/**
 * What became of a recording.
 */
export type RecordingEvent = "started" | "finishing" | "saved" | "removed" | "postponed" | "failed" | "redirected";
export type ServerMessage =
  StatusMessage | SystemInfoMessage | ErrorMessage | WarningMessage | LogMessage | RpcSuccess | RpcError;
export type WatcherMessage =
  ControlNotification | FrameAckNotification | AskControlsNotification | ReturnControlsNotification | VideoRequest;
export type WatcherServerMessage = WatchingMessage | MovedMessage | ErrorMessage | ExtendedRpcSuccess | RpcError;

/**
 * Messages of the WebSocket /ws, the header of a binary frame, and the names of keys.
 */
export interface TerrariumProtocol {
  [k: string]: unknown;
}
/**
 * Lend the controls to the guest of that number, who has asked for them, or decline.
 */
export interface AnswerGuestRequest {
  type: "answer_guest";
  req_id: string;
  guest: number;
  granted: boolean;
}
/**
 * Who watches wants the controls; the player says whether.
 */
export interface AskControlsNotification {
  type: "ask_controls";
}
/**
 * Give up a request that was not answered yet; the request itself is answered with code `cancelled`.
 */
export interface CancelNotification {
  type: "cancel";
  target_req_id: string;
}
export interface CheckSeedSafetyRequest {
  type: "check_seed_safety";
  req_id: string;
  image_data: string;
}
/**
 * `hash` is the SHA-256 (hex) of the picture file.
 */
export interface CheckSeedSafetyResponseData {
  is_safe: boolean;
  hash: string;
}
/**
 * Held buttons and mouse motion (pixels) since the last one. `ts` is the client's clock, echoed with the frame.
 */
export interface ControlNotification {
  type: "control";
  /**
   * @maxItems 64
   */
  buttons?: string[];
  mouse_dx?: number;
  mouse_dy?: number;
  ts?: number | null;
}
export interface PauseNotification {
  type: "pause";
}
export interface ResumeNotification {
  type: "resume";
}
export interface ResetNotification {
  type: "reset";
}
/**
 * Start over, with these words steering the world where its model hears words; elsewhere it is a reset alone.
 */
export interface PromptNotification {
  type: "prompt";
  prompt?: string;
}
/**
 * Start a world, or change the one that plays. `seed_image_data` is base64 of a picture file.
 *
 * Without a `model`, a picture opens in the engine that shows it best, and a world in play keeps its own if no picture
 * comes along.
 */
export interface InitRequest {
  type: "init";
  req_id: string;
  config: SessionConfig;
  model?: string | null;
  seed_image_data?: string | null;
  seed_filename?: string | null;
  biome_version?: string | null;
}
/**
 * What the client wants of its session. Sent whole with every `init`; the server applies the differences.
 */
export interface SessionConfig {
  quant?: ("fp8w8a8" | "intw8a8") | null;
  engine_backend?: "world_engine" | "quark";
  scene_authoring: boolean;
  action_logging: boolean;
  video_recording: boolean;
  video_output_dir: string | null;
  cap_inference_fps: boolean;
}
export interface SceneEditRequest {
  type: "scene_edit";
  req_id: string;
  prompt: string;
}
export interface GenerateSceneRequest {
  type: "generate_scene";
  req_id: string;
  prompt: string;
}
/**
 * `name` is that of the recording, which is being written.
 */
export interface ClipResponseData {
  name: string;
  duration_s: number;
}
/**
 * Something ended or broke. Without `message_id` the client shows `message` as it is.
 */
export interface ErrorMessage {
  type: "error";
  message_id?: ErrorId;
  message?: string;
  params?: {
    [k: string]: string;
  };
  snapshot?: ErrorSnapshot;
  code?: ErrorCode;
}
/**
 * The machine at the moment of an error.
 */
export interface ErrorSnapshot {
  process_rss_bytes?: number;
  ram_used_bytes?: number;
  ram_total_bytes?: number;
  vram_used_bytes?: number;
  vram_reserved_bytes?: number;
  gpu_util_percent?: number;
}
/**
 * A pass was drawn. From the first one on, two passes are sent ahead of it, or more on a long link.
 *
 * `epoch` is that of the frame's header: frame ids start over with each epoch.
 */
export interface FrameAckNotification {
  type: "frame_ack";
  frame_id: number;
  epoch?: number | null;
}
/**
 * `init` with a time limit, and what the server already has: a seed, by the SHA-256 (hex) of the picture file, or a
 * saved world, which brings its own model and goes on where it was saved; or the world that a lost connection left
 * behind, by the `resume_token` of the answer to an earlier `init`, which goes on where it was.
 *
 * `rng_seed` decides all that is random in a world that begins in a picture; without it, the server draws one. `width`
 * and `height` are the size in which a stepped world is drawn, until the next `init`; without them, its engine's own.
 */
export interface TimedInitRequest {
  type: "init";
  req_id: string;
  config: SessionConfig;
  model?: string | null;
  seed_image_data?: string | null;
  seed_filename?: string | null;
  biome_version?: string | null;
  timeout_s?: number | null;
  seed_hash?: string | null;
  world_id?: string | null;
  resume_token?: string | null;
  rng_seed?: number | null;
  width?: number | null;
  height?: number | null;
}
export interface TimedSceneEditRequest {
  type: "scene_edit";
  req_id: string;
  prompt: string;
  timeout_s?: number | null;
}
export interface TimedGenerateSceneRequest {
  type: "generate_scene";
  req_id: string;
  prompt: string;
  timeout_s?: number | null;
}
export interface TimedCheckSeedSafetyRequest {
  type: "check_seed_safety";
  req_id: string;
  image_data: string;
  timeout_s?: number | null;
}
/**
 * Make one pass, in a session that was opened with `mode=stepped`.
 *
 * `buttons` are those that are down during the pass. `frames`: all sub-frames of the pass, or just the last one.
 */
export interface StepRequest {
  req_id: string;
  codec?: "jpeg" | "rgb";
  width?: number | null;
  height?: number | null;
  type: "step";
  /**
   * @maxItems 64
   */
  buttons?: string[];
  mouse_dx?: number;
  mouse_dy?: number;
  frames?: "all" | "last";
}
/**
 * See what the player sees now, without a pass.
 */
export interface LookRequest {
  req_id: string;
  codec?: "jpeg" | "rgb";
  width?: number | null;
  height?: number | null;
  type: "look";
}
/**
 * Keep this moment of the world; the oldest kept one gives way.
 */
export interface TakeMomentRequest {
  type: "take_moment";
  req_id: string;
}
/**
 * Go back to a kept moment.
 */
export interface RestoreMomentRequest {
  type: "restore_moment";
  req_id: string;
  moment_id: string;
}
/**
 * Go back by so much of the world's own time, or as far as is still known.
 */
export interface RewindRequest {
  type: "rewind";
  req_id: string;
  seconds: number;
}
/**
 * Have these words steer the world in play from its next pass on. Without words, it is steered by none.
 */
export interface SetPromptRequest {
  type: "set_prompt";
  req_id: string;
  prompt?: string;
}
/**
 * Make a recording of the newest fifteen seconds of play.
 */
export interface KeepClipRequest {
  type: "keep_clip";
  req_id: string;
}
/**
 * Keep what the player sees now as a picture of the gallery, or what was seen at the kept moment `moment_id`.
 */
export interface KeepPictureRequest {
  type: "keep_picture";
  req_id: string;
  title?: string;
  moment_id?: string | null;
}
/**
 * Keep this moment of the world on the server as a world file, or the kept moment `moment_id`: a branch.
 */
export interface SaveWorldRequest {
  type: "save_world";
  req_id: string;
  title?: string;
  moment_id?: string | null;
}
/**
 * Have frames sent as H.264 or as JPEGs from now on. H.264 begins with a key frame, also when it was sent before.
 *
 * The frame on the screen is sent once more, as a JPEG.
 */
export interface VideoRequest {
  type: "video";
  req_id: string;
  codec: "jpeg" | "h264";
}
/**
 * Begin or end recording the session. What is ended within three seconds is removed unless `keep_short`.
 */
export interface RecordingRequest {
  type: "recording";
  req_id: string;
  on: boolean;
  keep_short?: boolean;
}
/**
 * Make a link by which others may watch this session, for so many hours at most. There is one: asked for again, it
 * stays, and lasts so long from now on.
 */
export interface ShareRequest {
  type: "share";
  req_id: string;
  hours?: number;
}
/**
 * Have the link open nothing any more, and end whoever watches.
 */
export interface StopSharingRequest {
  type: "stop_sharing";
  req_id: string;
}
/**
 * Have the guest of that number watch no longer. Nobody from their address is let in again for ten minutes.
 */
export interface SendAwayRequest {
  type: "send_away";
  req_id: string;
  guest: number;
}
/**
 * Take the controls back from the guest who has them.
 */
export interface TakeControlsRequest {
  type: "take_controls";
  req_id: string;
}
/**
 * `resume_token` leads back into this world once, from a new connection, for `resume_s` after this one is lost.
 *
 * Of a world that was resumed, `resumed` says what became of it.
 */
export interface ExtendedInitResponseData {
  model: string;
  inference_fps: number;
  system_info: SystemInfo;
  resume_token?: string;
  resume_s?: number;
  resumed?: ResumedWorld;
}
/**
 * Facts about the machine that do not change while the server runs.
 */
export interface SystemInfo {
  cpu_name?: string;
  gpu_name?: string;
  vram_total_bytes?: number;
  runtime_version?: string;
  driver_version?: string;
  torch_version: string;
  gpu_count: number;
  world_engine?: PackageInfo;
  quark?: PackageInfo;
}
export interface PackageInfo {
  version: string;
  commit?: string;
}
/**
 * `kept` lists the moments that can still be restored. `lost_s` of play are gone where the engine had failed.
 *
 * `passes` counts all that were made for this client since its first `init`, also those that it took back. If that is
 * one more than it has seen, the answer to its last `step` was lost on its way.
 *
 * `is_copy`: the server that had the world is gone, and this is its newest copy. It is as the world was after `passes`
 * of the client's passes; `lost_s` of play at most came after them.
 */
export interface ResumedWorld {
  kept: string[];
  lost_s: number;
  passes: number;
  is_copy?: boolean;
}
export interface ExtendedRpcSuccess {
  type: "response";
  req_id: string;
  success: true;
  data:
    | InitResponseData
    | SceneEditResponseData
    | GenerateSceneResponseData
    | CheckSeedSafetyResponseData
    | ExtendedInitResponseData
    | MomentResponseData
    | RewindResponseData
    | PromptResponseData
    | ClipResponseData
    | KeepPictureResponseData
    | SaveWorldResponseData
    | VideoResponseData
    | RecordingResponseData
    | SharingData;
}
export interface InitResponseData {
  model: string;
  inference_fps: number;
  system_info: SystemInfo;
}
export interface SceneEditResponseData {
  original_jpeg_b64: string;
  preview_jpeg_b64: string;
  edit_prompt: string;
}
/**
 * `seed_hash` names the scene among the seeds of the server (SHA-256 of the file, hex).
 */
export interface GenerateSceneResponseData {
  elapsed_ms: number;
  image_jpeg_base64: string;
  user_prompt: string;
  sanitized_prompt: string;
  image_model: string;
  seed_hash: string;
}
/**
 * `kept` lists the moments that can still be restored, oldest first.
 */
export interface MomentResponseData {
  moment_id: string;
  kept: string[];
}
/**
 * Seconds of the world's own time: how far it went back, and how much further one could go.
 */
export interface RewindResponseData {
  went_back_s: number;
  left_s: number;
}
/**
 * `prompt` are the words that steer the world now; empty: none.
 */
export interface PromptResponseData {
  prompt: string;
}
/**
 * The picture in the gallery: a seed, by the SHA-256 (hex) of its file.
 */
export interface KeepPictureResponseData {
  seed_hash: string;
  title: string;
}
/**
 * `world_id` names the saved world in `/api/worlds`.
 */
export interface SaveWorldResponseData {
  world_id: string;
  title: string;
}
/**
 * What frames are sent as now: JPEG also where H.264 was asked for and this server cannot encode it.
 */
export interface VideoResponseData {
  codec: "jpeg" | "h264";
}
/**
 * `waiting`: recording begins when play goes on. `name` is that of the segment which runs, or was ended.
 */
export interface RecordingResponseData {
  state: "off" | "waiting" | "recording";
  name?: string;
}
/**
 * `link` goes behind the server's `/watch.html#`; absent while nothing is shared. `expires_at` is in seconds since
 * the Unix epoch. `guests` are the numbers of all who watch, `asking` and `guest` those of who asks for the controls
 * and of who has them.
 */
export interface SharingData {
  watchers: number;
  guests: number[];
  link?: string;
  expires_at?: number;
  asking?: number;
  guest?: number;
}
export interface StatusMessage {
  type: "status";
  stage: StageId;
  message?: string;
}
export interface SystemInfoMessage {
  cpu_name?: string;
  gpu_name?: string;
  vram_total_bytes?: number;
  runtime_version?: string;
  driver_version?: string;
  torch_version: string;
  gpu_count: number;
  world_engine?: PackageInfo;
  quark?: PackageInfo;
  type: "system_info";
}
export interface WarningMessage {
  type: "warning";
  message_id: WarningId;
  message?: string;
  params?: {
    [k: string]: string;
  };
  code?: ErrorCode;
}
/**
 * One structured log event of this client's own session. `timestamp` is the server's HH:MM:SS.
 */
export interface LogMessage {
  type: "log";
  event: string;
  level: string;
  logger?: string;
  timestamp?: string;
  exception?: string;
  fields?: {
    [k: string]: string | number | boolean;
  };
}
/**
 * How far a request is. `fraction` is 0 to 1, absent when it cannot be known; `in_line` is the number in line.
 */
export interface ProgressMessage {
  type: "progress";
  req_id: string;
  step: ProgressStep;
  fraction?: number;
  in_line?: number;
}
/**
 * To a client that has said that it `follows`: it is served at `address`, such as ws://10.0.0.5:41001, and this
 * connection ends. There it asks for the same path with the same query, and the `ticket`, if there is one, as one more
 * parameter; then it sends again whatever it has sent here. The ticket is good once, for seconds.
 */
export interface MovedMessage {
  type: "moved";
  address: string;
  ticket?: string;
}
/**
 * `name` is the recording's. A failure has `message` and `code`; if it is of the one that ran, recording is off
 * then. What came before it is `saved` where that can be done.
 */
export interface RecordingMessage {
  type: "recording";
  event: RecordingEvent;
  name?: string;
  duration_s?: number;
  message?: string;
  code?: ErrorCode;
}
/**
 * Who watches, and who plays, whenever that changes. A newer one replaces one that was not sent yet.
 */
export interface SharingMessage {
  watchers: number;
  guests: number[];
  link?: string;
  expires_at?: number;
  asking?: number;
  guest?: number;
  type: "sharing";
}
export interface RpcError {
  type: "response";
  req_id: string;
  success: false;
  error_id?: ErrorId | WarningId;
  error?: string;
  code?: ErrorCode;
}
/**
 * What a pass says of itself. `frame_id` is that of its first sub-frame; the next ones count up from it.
 *
 * `epoch` counts the worlds and moments that the session has gone to: frame ids start over with each. `client_ts`
 * echoes the newest control that the pass has read (0: none). `gen_ms` is the interval between passes,
 * which clients pace by. The `t_` fields are this pass's own stages in milliseconds.
 *
 * `codec` is absent where the sub-frames are JPEGs, and `quality` is theirs. With `h264` they are access units in
 * Annex B form, each building on those before; `key_frame`: the first of them builds on none. `crf` is their quality.
 * With `rgb` they are pixels of 3 bytes, row by row, of that `width` and `height`.
 *
 * `req_id`: the pass answers that request, a `step` or a `look`. With `frames: last`, it has the last sub-frame only.
 */
export interface FrameHeader {
  frame_id: number;
  client_ts: number;
  gen_ms: number;
  temporal_compression: number;
  vram_used_bytes: number;
  gpu_util_percent: number;
  t_infer_ms?: number;
  t_sync_ms?: number;
  t_enc_ms?: number;
  t_metrics_ms?: number;
  t_overhead_ms?: number;
  quality?: number;
  epoch?: number;
  codec?: "h264" | "rgb";
  key_frame?: boolean;
  crf?: number;
  width?: number;
  height?: number;
  req_id?: string;
}
/**
 * Who watches gives the controls back, or does not want them any more.
 */
export interface ReturnControlsNotification {
  type: "return_controls";
}
export interface RpcSuccess {
  type: "response";
  req_id: string;
  success: true;
  data: InitResponseData | SceneEditResponseData | GenerateSceneResponseData | CheckSeedSafetyResponseData;
}
/**
 * To who watches, whenever it changes. `number` is theirs, `watchers` counts all. `state` is that of the world.
 *
 * `controls`: nobody asks (`free`), you have asked, they are yours, or somebody else asks or has them (`taken`).
 * `answer`: how your asking ended last, or that the player took the controls back.
 */
export interface WatchingMessage {
  type?: "watching";
  number: number;
  watchers: number;
  state: "waiting" | "playing" | "paused";
  controls: "free" | "asked" | "yours" | "taken";
  answer?: ("granted" | "declined" | "taken_back") | null;
}
