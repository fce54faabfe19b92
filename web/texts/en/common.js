// @ts-check
// What stands in many views.

export const common = {
  worlds: "Worlds",
  recordings: "Recordings",
  jobs: "Jobs",
  models: "Models",
  controls: "Controls",
  settings: "Settings",
  people: "People",
  signIn: "Sign in",
  world: "World",
  theWorld: "The world",
  crouch: "Crouch",
  menu: "Menu",
  record: "Record",
  letThemPlay: "Let them play",
  notNow: "Not now",
  takeControlsBack: "Take the controls back",
  cancel: "Cancel",
  log: "Log",
  choosePicture: "Choose another picture",
  copyDiagnostics: "Copy diagnostics",
  keepClip: "Keep the last 15\u00a0s",
  serverSettings: "Server settings",
  doctor: "What runs here",
  back: "Back",
  close: "Close",
  showMore: "Show more",
  download: "Download",
  rename: "Rename",
  delete: "Delete",
  saveName: "Save name",
  save: "Save",
  signOut: "Sign out",
  password: "Password",
  name: "Name",
  diagnostics: "Diagnostics",
  newName: "New name",
  done: "Done",
  tryAgain: "Try again",
  about: "{what}: {about}",
  deleteForGood: "Delete for good",
  play: "Play",
  watch: "Watch",
  remove: "Remove",
  copy: "Copy",
  copied: "Copied",
  yours: "Your own picture",
  describe: "Describe a place",
  waiting: "Waiting",
  qrOfLink: "The link as a QR code, for the camera of a phone",
  onlyHere: "It has the address of this machine, so it works only here: open this page under an address that others use.",
  noAnswer: "The server does not answer.",
  stopRecording: "Stop recording",
  keepsTrying: "{problem} This page keeps trying.",
};

export const gallery = {
  views: "Views",
  yourAccount: "Your account:",
  title: "Step into a picture",
  intro: "Choose one, or bring your own. You move through it with keys and mouse, a gamepad or your thumbs, over its ground and towards its horizon.",
  openSettings: "Open the settings",
  pictures: "Pictures",
  drop: "Drop the picture to add it",
  uploadHint: "Choose a file, drop it here, or paste it",
  wordsHint: "Say what you want to see",
  noWords: "Not available on this server",
  noWordsYet: "Not set up yet: see what it needs",
  playIn: "Play in {engine}",
  otherEngines: "Other engines",
  otherEnginesFor: "Other engines for {title}",
  askDelete: "Delete?",
  reallyDelete: "Really delete {title}?",
  deletePicture: "Delete {title}",
  sending: "Sending, {percent} %",
  checking: "Checking the picture",
  otherWords: "Other words",
  added: "Added to the gallery: {title}",
  myPicture: "My picture",
};

export const safety = {
  off: "The picture check is switched off on this server: every picture is accepted.",
  none: "You cannot use your own pictures now.",
  noneBecause: "You cannot use your own pictures now. {reason}",
};

export const framing = {
  why: "Worlds are wide, and {name} has another shape.",
  title: "How much of the picture?",
  preview: "The picture as it will be",
  choice: "What of it",
  part: "A part, which fills the view",
  whole: "All of it, with soft sides",
  add: "Add the picture",
  leaveOut: "Leave it out",
  uprightPart: "Which part, from top to bottom",
  widePart: "Which part, from left to right",
};

export const engines = {
  title: "Play “{title}” in",
  best: "shows this picture best",
  notReady: "not ready: see what it needs",
};

export const feedback = {
  good: "Good",
  bad: "Bad",
  why: "Why",
  ownWords: "In your own words",
  howItIs: "How it is",
  rate: "Rate it",
};

export const secret = {
  copied: "Copied.",
  noClipboard: "The clipboard is not available here. The text is selected: copy it by hand.",
};

export const diagnostics = {
  noClipboard: "The clipboard is not available here. Select the text and copy it.",
};
