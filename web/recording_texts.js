// @ts-check
// Texts about recordings: duration, size, titles, and the groups that belong together.

import { LOCALE, phrase } from "./texts/texts.js";

/** @import { RecordingSummary } from "./recordings_rest.js" */

/** @typedef {{ key: string, title: string, recordings: RecordingSummary[] }} RecordingGroup */

/** The pattern of the server's own names, for recordings that nobody has renamed. */
const GIVEN_NAME = /^\d{8}_\d{6}_[0-9a-f]+_\d+$/;

/** @param {number} seconds */
export function clipText(seconds) {
  return phrase("recordings.keeping", { duration: durationText(seconds) });
}

/**
 * @param {number} seconds
 * @returns {string} 0:07, 12:34 or 1:02:03
 */
export function durationText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const units = ["KB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {number} seconds since the Unix epoch */
export function timeText(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit" });
}

/** @param {number} seconds since the Unix epoch */
export function dateText(seconds) {
  return new Date(seconds * 1000).toLocaleDateString(LOCALE, { day: "numeric", month: "long", year: "numeric" });
}

/**
 * @param {Pick<RecordingSummary, "name" | "seed" | "started_at">} recording
 * @returns {string} the name if somebody has renamed it, else the seed's title and the time
 */
export function titleOf({ name, seed, started_at }) {
  return GIVEN_NAME.test(name) ? `${seedTitle(seed)}, ${timeText(started_at)}` : name;
}

/**
 * @param {Pick<RecordingSummary, "name" | "started_at">} recording
 * @returns {string} a title that distinguishes it within its group
 */
export function shortTitleOf({ name, started_at }) {
  return GIVEN_NAME.test(name) ? new Date(started_at * 1000).toLocaleTimeString(LOCALE) : name;
}

/**
 * Group recordings by session. A recording without a session forms a group of its own. Groups are in the order of their
 * first members, and segments within a group are in order of time.
 *
 * @param {readonly RecordingSummary[]} recordings newest first
 * @returns {RecordingGroup[]}
 */
export function groupBySession(recordings) {
  /** @type {Map<string, RecordingSummary[]>} */
  const groups = new Map();
  for (const recording of recordings) {
    const key = recording.play_session ?? ` ${recording.name}`;
    groups.set(key, [...(groups.get(key) ?? []), recording]);
  }
  return [...groups].map(([key, members]) => {
    const inOrder = members.toSorted((one, other) => one.started_at - other.started_at);
    return { key, title: groupTitle(inOrder), recordings: inOrder };
  });
}

/** @param {readonly RecordingSummary[]} members */
function groupTitle(members) {
  const first = members[0];
  if (!first) return "";
  const where = first.play_session ? seedTitle(first.seed) : phrase("recordings.otherVideo");
  return `${where}, ${dateText(first.started_at)}, ${timeText(first.started_at)}`;
}

/** @param {string | null} seed a title or a file name */
function seedTitle(seed) {
  return seed?.replace(/\.(jpe?g|png|webp)$/i, "") || phrase("recordings.untitled");
}
