// @ts-check
// A world in play: what loads and covers it, its menu, keys, sharing and watching.

export const loading = {
  connecting: "Connecting",
  share: "{step}, {percent} %",
  inLine: "{step}, number {place} in line",
};

export const lost = {
  tryNow: "Try now",
  getModel: "Get the model",
  enterAgain: "Enter again",
  reload: "Reload",
  nextTry: "Next try in {seconds} s",
  trying: "Trying again",
};

export const problems = {
  reconnect: "The server is not available",
  queue: "All places are taken",
  again: "The world stopped",
  reload: "This page is outdated",
  choose: "This picture does not work",
  tokenRequired: "Access token needed",
  modelNotPulled: "The model is not here yet",
  resumedElsewhere: "You play on elsewhere",
  resumeTooLate: "That world has been closed",
  unknown: "Something went wrong on the server.",
  connectionLost: "Connection lost",
  wasLost: "The connection to the server was lost. This page keeps trying and returns to your world.",
  stopped: "The server has stopped. This page keeps trying and returns to your world.",
  allBusy: "All servers are busy with other players. This page keeps trying, and you enter when a place is free.",
  noAnswer: "The server does not answer. This page keeps trying and returns to your world.",
  closed: "The connection is closed.",
  closedEarly: "The connection closed before the answer came.",
  silent: "No frame has arrived for a while.",
  status: "The server answered with status {status}.",
};

export const play = {
  waitingForServer: "Waiting for the server",
  firstHint: "Click into the world: {keys} walks, the mouse looks around. Esc opens the menu.",
  firstTouchHint: "The left half walks, further out it sprints. The right half looks around, two taps jump.",
  click: "Click to look around",
  rewound: "Went back {seconds} s, {left} s more are available",
  rewoundAll: "Went back {seconds} s, as far as possible",
  openingPicture: "Opening the picture",
  openingWorld: "Opening the world",
  sendingPicture: "Sending the picture, {percent} %",
  saved: "Saved as “{title}”. You can open it under Worlds.",
  openSaved: "Open “{title}”, which was saved",
  resumed: "You are back where you were.",
  resumedEarlier: "You are back, {seconds} s before you left.",
};

export const overlay = {
  interval: "Pass interval",
  inference: "Inference",
  synchronise: "Synchronise",
  encode: "Encode",
  metrics: "Metrics",
  overhead: "Overhead",
  drawn: "Frames drawn",
  perSecond: "{count} / s",
  inputToFrame: "Input to frame",
  latency: "{median} ms, p95 {slow} ms",
  bandwidth: "Bandwidth",
  skipped: "Passes skipped",
  skippedWhere: "{here} here, {server} by server",
  pictures: "Pictures",
  gpuMemory: "GPU memory",
  gpuLoad: "GPU load",
  jpeg: "JPEG, quality {quality}",
};

export const menu = {
  paused: "Paused",
  resume: "Resume",
  rewind: "Rewind 5\u00a0s",
  startOver: "Start over",
  changeScene: "Change the scene",
  newPlace: "Describe a new place",
  otherEngine: "Play in another engine",
  leave: "Leave this world",
  words: "Words that steer this world",
  wordsHint: "Rain over a harbour at night",
  sayIt: "Say it",
  moments: "Moments",
  keepMoment: "Keep this moment",
  share: "Share",
  shareWorld: "Share this world",
  stopSharing: "Stop sharing",
  saveWorld: "Save world",
  openWorld: "Open world",
  lists: "Recordings, films, jobs and models",
  pictureAndLink: "Picture and link",
  savePicture: "Save a picture",
  copyPicture: "Copy the picture",
  copyLink: "Copy the link",
  fullscreen: "Fullscreen",
  more: "More",
  yourAccount: "Your account",
};

export const moments = {
  goBack: "Go back to {time}",
  saveAsWorld: "Save as a world",
};

export const places = {
  pictureSaved: "The picture is saved among your downloads.",
  pictureCopied: "The picture is on the clipboard.",
  pictureNotCopied: "This browser does not let the page copy pictures here. Save the picture instead.",
  linkCopied: "The link is on the clipboard. Whoever may use this server can open it.",
  linkUnknown: "The place of this link is not on this server, or not yours to see.",
  worldKeepsEngine: "A saved world stays in the engine that it was made in.",
  link: "This browser does not let the page copy here. The link is {link}",
};

export const sharing = {
  linkToWatch: "Link to watch",
  showLink: "Show the link",
  hint: "Whoever has this link sees this world while you play. It ends when you leave, or after a day.",
  asks: "Guest {guest} asks for the controls.",
  plays: "Guest {guest} plays. You watch.",
  watchers: { one: "1 person watches", other: "{count} people watch" },
  whoWatches: "Who watches",
  guest: "Guest {guest}",
  guestWatches: "Watches",
  guestAsks: "Asks for the controls",
  guestPlays: "Plays",
  sendAway: "Send away",
  sendAwaySure: "Send away for ten minutes",
};

export const watch = {
  heading: "A world that somebody else plays",
  fullScreen: "Full screen",
  title: "Watching - Terrarium",
  opening: "Opening",
  youPlay: "You play",
  asked: "The player has been asked.",
  taken: "Somebody else plays, or has asked first.",
  unreachable: "The server cannot be reached at the moment.",
  linkUnknown: "This link opens nothing",
  sharingEnded: "That was it",
  lost: "The connection is lost",
  cannot: "You cannot watch now",
  noFullScreen: "The browser shows no full screen here.",
};

export const watchStates = {
  waiting: "Waiting for a world",
  playing: "Watching",
  paused: "Paused by the player",
};

export const watchControls = {
  free: "Ask for the controls",
  asked: "Do not ask any more",
  yours: "Give the controls back",
  taken: "Ask for the controls",
};

export const watchAnswers = {
  granted: "The controls are yours: W, A, S, D and the mouse. Click into the picture to look around.",
  declined: "The player keeps the controls for now.",
  taken_back: "The player has taken the controls back.",
};

export const playerSettings = {
  note: "This browser keeps them, for every world.",
  look: "Looking and seeing",
  sensitivity: "Look sensitivity",
  invertLook: "Inverted look: moving up looks down",
  capFps: "Cap frame rate",
  alwaysVideo: "Always send video (H.264), which needs less of the link",
  statistics: "Show statistics",
  theme: "Light or dark page",
  themeAuto: "As the system",
  themeLight: "Light",
  themeDark: "Dark",
  stepSounds: "Sound of steps",
  reducedMotion: "Reduced motion in the page",
  keys: "Keys",
  resetKeys: "Reset the keys",
  otherControls: "Without a keyboard",
  mouse: "Mouse",
  mouseHelp: "A click takes hold of it, Esc lets go. Where the browser refuses that, dragging looks around.",
  touch: "Touch",
  touchHelp:
    "The left half walks, and sprints when the finger leaves the ring. The right half looks around, two taps jump, and the button with the arrow crouches.",
  gamepad: "Gamepad",
  gamepadHelp:
    "Sticks walk and look around, A jumps, Start pauses and resumes. In the menu, the cross chooses, A presses, B goes back.",
};

export const actions = {
  forward: "Walk forward",
  back: "Walk back",
  left: "Step left",
  right: "Step right",
  jump: "Jump",
  sprint: "Sprint",
  crouch: "Crouch",
  turnLeft: "Turn left",
  turnRight: "Turn right",
  lookUp: "Look up",
  lookDown: "Look down",
  rewind: "Rewind",
  reset: "Start over",
  editScene: "Change the scene",
  record: "Record",
  keepClip: "Keep the last 15\u00a0s",
  screenshot: "Save a picture",
  statistics: "Show statistics",
};

export const keys = {
  none: "No key",
  press: "Press a key",
  wereReset: "All keys are as they were at first.",
  listening: "Press the key for “{action}”. Esc keeps the present one.",
  bound: "{key} is the key of “{action}” now.",
  taken: "{key} was the key of “{action}”, which has none now.",
  notBindable: "{key} belongs to the browser or to the menu. Press another key.",
};

export const keyNames = {
  ShiftLeft: "Shift",
  ShiftRight: "Right Shift",
  ControlLeft: "Ctrl",
  ControlRight: "Right Ctrl",
  AltLeft: "Alt",
  AltRight: "Right Alt",
};

export const authoring = {
  setItUp: "Set it up",
  sides: "What the frame shows",
  before: "Before",
  after: "After",
  undo: "Undo",
  changes: "Changes so far",
  editTitle: "Change the scene",
  editHint: "Add a dragon, make it night, let it snow",
  editSubmit: "Change it",
  sceneTitle: "Describe a new place",
  sceneHint: "A flooded cathedral at dawn",
  sceneSubmit: "Go there",
  gallerySubmit: "Make it",
  sending: "Sending",
  edited: "Done. Close this to go on walking.",
  undone: "Undone: {prompt}",
  afterEdit: "After: {prompt}",
  undoLater: "Undo this and {count} later",
  madeFrom: "Made from this prompt",
};
