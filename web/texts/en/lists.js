// @ts-check
// What is kept and made: recordings, worlds, jobs, models.

export const recordings = {
  unfinished: "Not finished yet",
  empty: "Nothing was recorded yet. In a world, press F9 or the red dot.",
  keeping: "Keeping the last {duration}",
  usage: "{used} of {quota} used",
  unplayable: "This recording cannot be played here. It can still be downloaded.",
  saved: "Recording saved, {duration}",
  tooShort: "That clip was under three seconds long and was not kept.",
  later: "The server finishes this recording when it starts again.",
  finishNow: "Finish now",
  otherVideo: "Other video",
  untitled: "Recording",
};

export const unfinished = {
  recording: "Recording",
  finishing: "Being finished",
  waiting: "Not finished yet",
};

export const worlds = {
  openFile: "Open a world file",
  showJobs: "Show jobs",
  saved: "Saved worlds",
  empty: "No world was saved yet. In a world, open the menu and choose Save world.",
  facts: "{duration} played, {model}",
  filmBegun: "A film of {title} is being made. You will find it under Jobs.",
  makeFilm: "Make a film",
  sending: "Sending the world",
  sendingShare: "Sending the world, {percent} %",
  checking: "Checking the world",
};

export const jobs = {
  empty:
    "Nothing is being made. Scenes that you describe in the gallery, and films of your saved worlds, are made in the background and listed here. They go on while you play, and when you close this page.",
  filmUnplayable: "This film cannot be played here. It can still be downloaded.",
  compared: "What the replay compared",
  showInGallery: "Show in gallery",
  deleteFilm: "Delete the film",
  deleteFiles: "Delete its files",
  downloadWorld: "Download the world",
  played: "{span} s of the world",
  noAnswer: "The server does not answer. This page keeps trying.",
  underWay: "Jobs, {count} under way",
  savedWorld: "A saved world",
  attempt: "attempt {count}",
  lessThanMinute: "less than a minute",
  aboutMinutes: "about {count} min",
  aboutHours: "about {count} h",
  next: "it is next",
  before: "{count} before it",
  cancelling: "Being cancelled",
  almostDone: "Almost done",
  beingMade: "Being made",
  left: "{span} left",
  percent: "{percent} %",
  done: "Done",
  step: "step {number} of {count}",
  isExact: "It shows exactly what was played",
  mayDiffer: "It may differ from what was played",
  endDone: "Done: {title}",
  endCancelled: "Cancelled: {title}",
  endFailed: "Failed: {title}. {reason}",
};

/** By kind. */
export const jobsDone = {
  scene: "Done, it is in the gallery",
  video: "Done, it is in the Studio",
};

export const jobKinds = {
  scene: "Scene",
  replay_film: "Film of a world",
  scripted_run: "Script",
  video: "Film",
  model: "Pull of a model",
  benchmark: "Measurement",
};

export const jobStages = {
  writing: "Finding the words",
  painting: "Painting",
  checking: "Checking the picture",
  applying: "Changing the world",
  filming: "Playing the world again",
  waiting_for_play: "Waiting while somebody plays",
  loading: "Loading the model",
  playing: "Playing",
  keeping: "Writing the files",
};

export const models = {
  pull: "Pull",
  resume: "Go on pulling",
  pullAgain: "Pull again",
  cancel: "Cancel",
  load: "Load",
  loadAnyway: "Load anyway",
  unload: "Unload",
  benchmark: "Measure",
  delete: "Delete",
  deleteSure: "Delete its files",
  builtIn: "Comes with Terrarium",
  inPlace: "In a folder of yours",
  mustBeOwner: "Only the owner of the server can pull, load and delete models.",
  size: "Size",
  licence: "Licence",
  needs: "Needs",
  pace: "Pace",
  measured: "Measured",
  usedFor: "Used for",
  beingMeasured: "being measured",
  quantOf: "Number format of {name}",
  asPublished: "As published",
  bytesOf: "{done} of {total}",
  fileOf: "file {number} of {count}",
  nothingToPull: "nothing to pull",
  unknown: "unknown",
  gated: "{licence}, to be accepted where the model is published",
  notKnownYet: "not known yet",
  vram: "{size} of the graphics card's memory",
  ram: "{size} of memory",
  tookVram: "took {size} of the graphics card's memory",
  tookRam: "took {size} of memory",
  nextToNothing: "next to nothing",
  paceEach: "{fps} frames/s, each follows your keys",
  paceGroups: {
    one: "{fps} frames/s in groups of {frames}: it looks at your keys {count} time a second",
    other: "{fps} frames/s in groups of {frames}: it looks at your keys {count} times a second",
  },
  fpsHere: "{fps} frames/s here",
  fit: "{verdict}.",
  fitBecause: "{verdict}. {reason}",
  noUse: "nothing, by the settings",
  diskFree: "{size} are free on the disk.",
};

export const modelStates = {
  ready: "On the disk",
  absent: "Not pulled yet",
  partial: "Pulled in part",
  damaged: "Damaged",
  pulling: "Being pulled",
  loading: "Being loaded",
  loaded: "Loaded",
  parked: "Ready in memory",
  failed: "Could not be loaded",
};

export const modelFits = {
  fits: "Fits here",
  tight: "Fits here, but only just",
  does_not_fit: "Does not fit here",
};

export const doctor = {
  found: "What was found",
  lookAgain: "Look again",
  looking: "Looking at the server",
  good: "Good",
  warning: "Could be better",
  bad: "Will not run",
  verdictBad: {
    one: "One thing will not run. Below it says how to mend that.",
    other: "{count} things will not run. Below it says how to mend that.",
  },
  verdictWarning: {
    one: "Everything runs. One thing could be better.",
    other: "Everything runs. {count} things could be better.",
  },
  verdictGood: "Everything is well.",
};
