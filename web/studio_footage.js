// @ts-check
// What a film can be made from: films, recordings, and the person's own videos and sounds.

import { fetchFilmSources } from "./films_rest.js";
import { titleOf } from "./recording_texts.js";
import { fetchRecordings } from "./recordings_rest.js";
import { keyOf } from "./studio_draft.js";
import { titleOfFilm } from "./studio_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { Film, FilmSource, SourceRef } from "./films_rest.js" */
/** @import { RecordingSummary } from "./recordings_rest.js" */

const MOST_RECORDINGS = 200;

/**
 * @typedef {object} Footage
 * @property {SourceRef} ref
 * @property {"films" | "recordings" | "files"} group
 * @property {string} title
 * @property {string} url of the video or sound
 * @property {number} seconds
 * @property {number | null} width null for a sound
 * @property {number | null} height
 * @property {number | null} fps null where it is not known
 * @property {string | null} spriteUrl small pictures side by side, over the whole of it
 */

export class FootageShelf {
  /** @type {readonly RecordingSummary[]} */
  #recordings = [];
  /** @type {readonly FilmSource[]} */
  #sources = [];
  /** @type {readonly Film[]} */
  films = [];

  /** @throws {RestError} */
  async load() {
    const [{ recordings }, sources] = await Promise.all([fetchRecordings(null, MOST_RECORDINGS), fetchFilmSources()]);
    this.#recordings = recordings;
    this.#sources = sources;
  }

  /** @param {FilmSource} source that was just sent */
  add(source) {
    this.#sources = [source, ...this.#sources.filter(({ hash }) => hash !== source.hash)];
  }

  /** @returns {Footage[]} films first, each group newest first */
  get all() {
    return [
      ...this.films.flatMap((film) => (film.content_url ? [footageOfFilm(film)] : [])),
      ...this.#recordings.map(footageOfRecording),
      ...this.#sources.map(footageOfSource),
    ];
  }

  /**
   * @param {SourceRef | null} ref
   * @returns {Footage | null} null if it is not there any more
   */
  find(ref) {
    return ref && (this.all.find((footage) => keyOf(footage.ref) === keyOf(ref)) ?? null);
  }
}

/**
 * @param {Film} film that is made
 * @returns {Footage}
 */
function footageOfFilm(film) {
  const { id, content_url, seconds, width = null, height = null, fps = null, sprite_url = null } = film;
  const url = content_url ?? "";
  return { ref: { film: id }, group: "films", title: titleOfFilm(film), url, seconds: seconds ?? 0, width, height, fps, spriteUrl: sprite_url };
}

/**
 * @param {RecordingSummary} recording
 * @returns {Footage}
 */
function footageOfRecording(recording) {
  const { name, video_url, duration_s, width, height } = recording;
  const title = titleOf(recording);
  return { ref: { recording: name }, group: "recordings", title, url: video_url, seconds: duration_s, width, height, fps: null, spriteUrl: null };
}

/**
 * @param {FilmSource} source
 * @returns {Footage}
 */
function footageOfSource({ hash, title, content_url, seconds, width, height, fps }) {
  const group = /** @type {const} */ ("files");
  return { ref: { source: hash }, group, title: title || phrase("studio.file"), url: content_url, seconds, width, height, fps, spriteUrl: null };
}
