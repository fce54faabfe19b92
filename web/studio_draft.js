// @ts-check
// What the person has put together in the Studio, and the request that it becomes.

import { phrase } from "./texts/texts.js";

/** @import { FilmRequest, PictureRef, SourceRef, VideoSpecs, Way, WayName } from "./films_rest.js" */

/** @typedef {{ hash: string, title: string, thumbnail_url: string }} Picture of the gallery */
/** @typedef {Picture & { at: "first" | "last" | number }} PlacedPicture `at`: an end of the film, or seconds */

/**
 * @typedef {object} Draft
 * @property {WayName} way
 * @property {string} prompt
 * @property {boolean} isWritten the prompt is to be written out
 * @property {string} negativePrompt
 * @property {string | null} camera
 * @property {Readonly<Record<string, number>>} loras strengths by name
 * @property {string | null} seed as it was typed; null where one is drawn
 * @property {number | null} width of a new film; null where it is as large as its source
 * @property {number | null} height
 * @property {number | null} seconds of a new film; null where it is as long as its source
 * @property {number | null} fps
 * @property {boolean} isUpscaled made at half the size first
 * @property {readonly PlacedPicture[]} pictures
 * @property {SourceRef | null} source
 * @property {SourceRef | null} after the film that follows on `source`
 * @property {number} startS of a retake
 * @property {number} endS
 * @property {"picture" | "sound" | "both"} what is retaken
 * @property {"start" | "end"} side that is made longer
 * @property {number} addedS length of the new passage
 * @property {"edges" | "depth" | "pose" | "as_is"} control
 */

/** Ways whose films have the size and the length that is asked for. @type {ReadonlySet<WayName>} */
const NEW_FILMS = new Set(["words", "pictures", "sound", "control"]);
/** Of these, the ones that take length and rate from their source if nothing else is asked for. @type {ReadonlySet<WayName>} */
const AS_LONG_AS_SOURCE = new Set(["sound", "control"]);
const SHORTEST_RETAKE_S = 0.1;
/** The share of a film at each end that a retake leaves at first. */
const LEFT_SHARE = 0.25;
const LAST_FRAME_S = 0.05;
/** A browser reads whole numbers exactly up to this one, and the server takes no larger ones. */
const MOST_SEED = Number.MAX_SAFE_INTEGER;

/** @type {Draft} */
export const EMPTY_DRAFT = {
  way: "words",
  prompt: "",
  isWritten: false,
  negativePrompt: "",
  camera: null,
  loras: {},
  seed: null,
  width: null,
  height: null,
  seconds: 5,
  fps: null,
  isUpscaled: false,
  pictures: [],
  source: null,
  after: null,
  startS: 0,
  endS: 0,
  what: "both",
  side: "end",
  addedS: 2,
  control: "edges",
};

/** @param {WayName} way */
export function hasOwnSize(way) {
  return NEW_FILMS.has(way);
}

/** @param {WayName} way */
export function mayBeAsLongAsSource(way) {
  return AS_LONG_AS_SOURCE.has(way);
}

/** @param {WayName} way */
export function needsSource(way) {
  return way !== "words" && way !== "pictures";
}

/**
 * @param {number} seconds of a film
 * @returns {{ startS: number, endS: number }} its middle, which a retake makes anew where nothing else was marked
 */
export function middleOf(seconds) {
  const rounded = (/** @type {number} */ at) => Math.round(at * 20) / 20;
  return { startS: rounded(seconds * LEFT_SHARE), endS: rounded(seconds * (1 - LEFT_SHARE)) };
}

/**
 * @param {number} atS where a player stands
 * @param {number} seconds of the film
 * @returns {number} the time of the frame that it shows: at the very end there is none any more
 */
export function frameTime(atS, seconds) {
  return Math.max(0, Math.min(atS, seconds - LAST_FRAME_S));
}

/**
 * @param {readonly PlacedPicture[]} pictures
 * @param {Picture} picture
 * @returns {PlacedPicture[]} with the picture at the end that is free; where none is, it becomes the last one
 */
export function withPicture(pictures, { hash, title, thumbnail_url }) {
  const hasFirst = pictures.some(({ at }) => at === "first");
  const kept = hasFirst ? pictures.filter(({ at }) => at !== "last") : pictures;
  return [...kept, { hash, title, thumbnail_url, at: hasFirst ? "last" : "first" }];
}

/**
 * @param {Draft} draft
 * @param {VideoSpecs} specs
 * @returns {string | null} what is still missing, as a sentence; the server judges the rest
 */
export function faultOf(draft, specs) {
  const whyNot = specs.ways.find(({ way }) => way === draft.way)?.why_not;
  if (whyNot) return whyNot;
  if (draft.way === "pictures" && draft.pictures.length === 0) return phrase("studio.choosePicture");
  if (draft.way === "pictures" && draft.pictures.length > specs.most_pictures) return phrase("studio.tooManyPictures", { count: specs.most_pictures });
  if (needsSource(draft.way) && !draft.source) return phrase(draft.way === "sound" ? "studio.chooseSound" : "studio.chooseFilm");
  if (draft.way === "joining" && !draft.after) return phrase("studio.chooseAfter");
  if (draft.way === "retake" && draft.endS - draft.startS < SHORTEST_RETAKE_S) return phrase("studio.markPart");
  const whyNoControl = draft.way === "control" ? whyNotFollowed(draft, specs) : null;
  if (whyNoControl) return whyNoControl;
  if (draft.way !== "upscale" && draft.prompt.trim() === "") return phrase("studio.sayWords");
  if (draft.seed !== null && !isSeed(draft.seed)) return phrase("studio.seedRange", { most: MOST_SEED });
  return null;
}

/**
 * @param {Draft} draft
 * @param {VideoSpecs} specs
 * @returns {string | null} why a film cannot follow what is chosen
 */
export function whyNotFollowed(draft, specs) {
  return specs.controls.find(({ control }) => control === draft.control)?.why_not ?? null;
}

/** @param {string} text */
export function isSeed(text) {
  return /^\d{1,16}$/.test(text.trim()) && Number(text) <= MOST_SEED;
}

/**
 * @param {Draft} draft without faults
 * @returns {FilmRequest}
 */
export function requestOf(draft) {
  const loras = Object.entries(draft.loras).map(([name, strength]) => ({ name, strength }));
  const { width, height, seconds, fps } = draft;
  return {
    way: wayOf(draft),
    ...(draft.way === "upscale" && draft.prompt.trim() === "" ? {} : { prompt: draft.prompt }),
    ...(draft.isWritten && draft.prompt.trim() !== "" ? { write_prompt: true } : {}),
    ...(draft.negativePrompt.trim() === "" ? {} : { negative_prompt: draft.negativePrompt }),
    ...(draft.camera === null ? {} : { camera: draft.camera }),
    ...(loras.length === 0 ? {} : { loras }),
    ...(draft.seed === null ? {} : { seed: Number(draft.seed) }),
    ...(hasOwnSize(draft.way) ? { width, height, seconds, fps, upscale: draft.isUpscaled } : {}),
  };
}

/**
 * @param {Draft} draft
 * @returns {Way}
 */
function wayOf(draft) {
  switch (draft.way) {
    case "words":
      return { kind: "words" };
    case "pictures":
      return { kind: "pictures", pictures: draft.pictures.map(({ hash, at }) => ({ seed: hash, at })) };
    case "sound":
      return { kind: "sound", sound: chosen(draft.source) };
    case "retake":
      return { kind: "retake", source: chosen(draft.source), start_s: draft.startS, end_s: draft.endS, what: draft.what };
    case "extension":
      return { kind: "extension", source: chosen(draft.source), side: draft.side, added_s: draft.addedS };
    case "joining":
      return { kind: "joining", before: chosen(draft.source), after: chosen(draft.after), between_s: draft.addedS };
    case "control":
      return { kind: "control", source: chosen(draft.source), control: draft.control };
    case "upscale":
      return { kind: "upscale", source: chosen(draft.source) };
  }
}

/**
 * @param {FilmRequest} request of a film that was asked for
 * @param {(hash: string) => Picture} pictureOf
 * @returns {Draft} that would ask for it again, with its seed
 */
export function draftOf(request, pictureOf) {
  const { way, prompt = "", negative_prompt = "", camera = null, seed = null, loras = [] } = request;
  return {
    ...EMPTY_DRAFT,
    way: way.kind,
    prompt,
    isWritten: request.write_prompt ?? false,
    negativePrompt: negative_prompt,
    camera,
    loras: Object.fromEntries(loras.map(({ name, strength }) => [name, strength])),
    // Older films have seeds that this page cannot read exactly: they would make another film.
    seed: seed !== null && Number.isSafeInteger(seed) ? String(seed) : null,
    width: request.width ?? null,
    height: request.height ?? null,
    seconds: request.seconds ?? (mayBeAsLongAsSource(way.kind) ? null : EMPTY_DRAFT.seconds),
    fps: request.fps ?? null,
    isUpscaled: request.upscale ?? false,
    ...partsOf(way, pictureOf),
  };
}

/**
 * @param {Way} way
 * @param {(hash: string) => Picture} pictureOf
 * @returns {Partial<Draft>}
 */
function partsOf(way, pictureOf) {
  switch (way.kind) {
    case "words":
      return {};
    case "pictures":
      return { pictures: way.pictures.map((/** @type {PictureRef} */ { seed, at }) => ({ ...pictureOf(seed), at })) };
    case "sound":
      return { source: named(way.sound) };
    case "retake":
      return { source: named(way.source), startS: way.start_s, endS: way.end_s, what: way.what };
    case "extension":
      return { source: named(way.source), side: way.side, addedS: way.added_s };
    case "joining":
      return { source: named(way.before), after: named(way.after), addedS: way.between_s };
    case "control":
      return { source: named(way.source), control: way.control };
    case "upscale":
      return { source: named(way.source) };
  }
}

/**
 * @param {SourceRef} ref which older requests have with the names that it does not have, too
 * @returns {SourceRef}
 */
function named(ref) {
  const [kind, name] = Object.entries(ref).find(([, value]) => value !== null) ?? ["source", ""];
  return /** @type {SourceRef} */ ({ [kind]: name });
}

/**
 * @param {SourceRef} ref
 * @returns {string} the same for references to the same thing
 */
export function keyOf(ref) {
  const [kind, name] = Object.entries(ref)[0] ?? [];
  return `${kind}:${name}`;
}

/**
 * @param {SourceRef | null} ref
 * @returns {SourceRef}
 */
function chosen(ref) {
  if (ref === null) throw new Error("The draft has no source.");
  return ref;
}
