// @ts-check
// Every stage, error and warning of the protocol in plain words. Literal objects: a test compares their keys.

/** @import { ErrorCode, ErrorId, ProgressStep, StageId, WarningId } from "./protocol.generated.d.ts" */

/** @type {Record<ProgressStep, string>} */
export const PROGRESS_TEXTS = {
  reading_picture: "Reading the picture",
  loading_model: "Loading the model",
  checking_picture: "Checking the picture",
  opening_world: "Opening the world",
};

/** @type {Record<StageId, string>} */
export const STAGE_TEXTS = {
  "startup.begin": "Waking the server",
  "startup.world_engine_manager": "Preparing the world engine",
  "startup.safety_checker": "Loading the picture check",
  "startup.safety_ready": "The picture check is ready",
  "startup.ready": "The server is ready",
  "session.waiting_for_seed": "Sending your picture",
  "session.loading_model.load": "Loading the model",
  "session.loading_model.instantiate": "Unpacking the model",
  "session.scene_authoring.load": "Loading scene authoring",
  "session.warmup.reset": "Warming up",
  "session.warmup.seed": "Warming up with a first picture",
  "session.warmup.compile": "Compiling for this machine",
  "session.init.reset": "Clearing the stage",
  "session.init.seed": "Looking at your picture",
  "session.init.frame": "Drawing the first frame",
  "session.reset": "Starting the world over",
  "session.ready": "Ready",
};

/** @type {Record<ErrorId, string>} */
export const ERROR_TEXTS = {
  "app.server.error.protocolVersionMismatch": "This page and the server speak different versions. Reload the page.",
  "app.server.error.serverBusy": "Every place on this server is taken. You come in as soon as somebody leaves.",
  "app.server.error.serverStartupFailed": "The server could not start. Its log says why.",
  "app.server.error.timeoutWaitingForSeed": "The server waited for a picture and gave up. Enter the world again.",
  "app.server.error.initFailed": "The world could not be started. Try again, or choose another picture.",
  "app.server.error.quantUnsupportedGpu": "The graphics card of the server cannot run the model in this number format.",
  "app.server.error.sceneAuthoringModelLoadFailed": "The models for editing scenes could not be loaded.",
  "app.server.error.sceneAuthoringEmptyPrompt": "Write what the scene should become first.",
  "app.server.error.sceneAuthoringModelNotLoaded": "Editing scenes is switched off in this session.",
  "app.server.error.sceneAuthoringAlreadyInProgress": "An earlier change to the scene is still being made.",
  "app.server.error.sceneEditSafetyRejected": "The server declined this change to the scene.",
  "app.server.error.generateSceneSafetyRejected": "The server declined to generate this scene.",
  "app.server.error.deviceRecoveryFailed": "The graphics card of the server failed. Enter the world again.",
};

/** @type {Record<WarningId, string>} */
export const WARNING_TEXTS = {
  "app.server.warning.missingSeedData": "No picture came with the request.",
  "app.server.warning.invalidSeedData": "The picture could not be read.",
  "app.server.warning.seedUnsafe": "The server's picture check declined this picture.",
  "app.server.warning.seedSafetyCheckFailed": "The picture check failed, so the picture was not used.",
  "app.server.warning.seedLoadFailed": "The picture could not be opened.",
};

/** @type {Record<ErrorCode, string>} */
export const CODE_TEXTS = {
  protocolVersionMismatch: "This page and the server speak different versions. Reload the page.",
  serverBusy: "Every place on this server is taken. You come in as soon as somebody leaves.",
  displaced: "Another window took this place. Enter again to take it back.",
  initTimeout: "The server waited for a picture and gave up. Enter the world again.",
  shuttingDown: "The server is shutting down. This page reconnects when it is back.",
  clientTooSlow: "This connection could not keep up with the frames. Enter again, perhaps from nearer to the server.",
  invalidRequest: "The server did not understand this page. Reload it; the two may differ in version.",
  messageTooLarge: "That was more than the server takes in one message.",
  tooManyRequests: "Too many requests at once. Wait a moment and try again.",
  cancelled: "Cancelled.",
  requestTimeout: "The server took too long. Try again.",
  notReady: "The world is not ready for that yet.",
  internal: "Something broke inside the server. Its log has the details.",
  unknownModel: "The server does not have this model any more. Choose another one.",
  unsupportedQuant: "The model cannot run in this number format on the server.",
  unsupportedBackend: "The server does not have this kind of engine.",
  modelLoadFailed: "The model could not be loaded. The server's log says why.",
  modelBusy: "Somebody plays with another model, and the server can hold only one. You come in once it is free.",
  modelBuiltIn: "The built-in model cannot be removed.",
  engineFailed: "The world engine stopped. Enter the world again.",
  seedMissing: "No picture came with the request. Choose one.",
  seedUnknown: "The server does not have this picture any more. Choose another one.",
  seedNotBase64: "The picture was damaged on its way. Try again.",
  seedEmpty: "That file is empty.",
  seedNotAPicture: "That file is no picture the server can read. JPEG, PNG and WebP work.",
  seedTooLarge: "That picture is too large. Make it smaller and try again.",
  seedUnsafe: "The server's picture check declined this picture. Choose another one.",
  seedCheckFailed: "The picture could not be checked, and this server plays checked pictures only.",
  seedShipped: "This picture belongs to the server and stays.",
  snapshotUnknown: "The server does not have this moment any more.",
  authoringEmptyPrompt: "Write what the scene should become first.",
  authoringUnavailable: "Editing scenes is not available on this server.",
  hostForbidden: "The server does not answer under this address. Use the address it printed when it started.",
  originForbidden: "The server only answers to its own page. Open it under its own address.",
  tokenRequired: "This server asks for a token. Ask whoever runs it, and open the page once with /?token= and the token at its end.",
  localOnly: "This can only be done on the machine that the server runs on.",
  notFound: "The server does not have that.",
  methodNotAllowed: "The server does not do that.",
  serviceUnavailable: "The server is not ready yet. Try again in a moment.",
};
