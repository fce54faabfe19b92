// @ts-check
// Saved worlds in words, and as something that can be entered like a picture.

import { dateText, durationText, sizeText, timeText } from "./recording_texts.js";

/** @import { SeedSummary } from "./rest.js" */
/** @import { SavedWorld } from "./worlds_rest.js" */

/** @param {Pick<SavedWorld, "seconds" | "model">} world */
export function shortFacts({ seconds, model }) {
  return `${durationText(seconds)} played, ${model.split("/").at(-1)}`;
}

/** @param {Pick<SavedWorld, "title" | "created_at" | "size_bytes">} world */
export function longFacts({ title, created_at, size_bytes }) {
  return `${title}, ${dateText(created_at)}, ${timeText(created_at)}, ${sizeText(size_bytes)}`;
}

/**
 * The page goes from place to place by pictures: a saved world shows itself as one.
 *
 * @param {SavedWorld} world
 * @returns {SeedSummary}
 */
export function asPlace({ id, title, thumbnail_url, size_bytes }) {
  return {
    hash: "",
    world_id: id,
    title,
    description: "",
    origin: "uploaded",
    width: 16,
    height: 9,
    size_bytes,
    image_url: thumbnail_url,
    thumbnail_url,
  };
}

/**
 * @param {number} wentBackS
 * @param {number} leftS
 */
export function rewoundText(wentBackS, leftS) {
  const back = `Back by ${wentBackS.toFixed(wentBackS < 10 ? 1 : 0)} s`;
  return leftS >= 1 ? `${back}, ${Math.floor(leftS)} s more are kept` : `${back}, as far as is kept`;
}
