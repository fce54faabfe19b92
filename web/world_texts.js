// @ts-check
// Texts about saved worlds, and their representation as a seed.

import { dateText, durationText, sizeText, timeText } from "./recording_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { SeedSummary } from "./rest.js" */
/** @import { SavedWorld } from "./worlds_rest.js" */

/** @param {Pick<SavedWorld, "seconds" | "model">} world */
export function shortFacts({ seconds, model }) {
  return phrase("worlds.facts", { duration: durationText(seconds), model: model.split("/").at(-1) ?? model });
}

/** @param {Pick<SavedWorld, "title" | "created_at" | "size_bytes">} world */
export function longFacts({ title, created_at, size_bytes }) {
  return `${title}, ${dateText(created_at)}, ${timeText(created_at)}, ${sizeText(size_bytes)}`;
}

/**
 * The page enters seeds only, so a saved world is represented as one.
 *
 * @param {SavedWorld} world
 * @returns {SeedSummary}
 */
export function asPlace({ id, title, thumbnail_url, size_bytes, model }) {
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
    model,
  };
}

/** @param {string} title of a world that is about to be filmed */
export function filmBegunText(title) {
  return phrase("worlds.filmBegun", { title });
}

/** @param {number} lostS seconds of play that are gone */
export function resumedText(lostS) {
  return lostS >= 0.05 ? phrase("play.resumedEarlier", { seconds: lostS.toFixed(1) }) : phrase("play.resumed");
}

/**
 * @param {number} wentBackS
 * @param {number} leftS
 */
export function rewoundText(wentBackS, leftS) {
  const seconds = wentBackS.toFixed(wentBackS < 10 ? 1 : 0);
  return leftS >= 1 ? phrase("play.rewound", { seconds, left: Math.floor(leftS) }) : phrase("play.rewoundAll", { seconds });
}
