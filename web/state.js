// @ts-check
// The screens of the page, and the data that exist only in each of them.

/** @import { Problem } from "./problems.js" */
/** @import { SeedSummary } from "./rest.js" */

/** @typedef {{ name: "gallery" }} InGallery */
// `attempt` counts failures since the last success.
/** @typedef {{ name: "loading", seed: SeedSummary, attempt: number }} Loading */
/** @typedef {{ name: "playing", seed: SeedSummary }} Playing */
// `isBusy`: a change of the world is in progress.
/** @typedef {{ name: "paused", seed: SeedSummary, isBusy: boolean }} Paused */
/** @typedef {{ name: "lost", seed: SeedSummary, attempt: number, problem: Problem }} Lost */
/** @typedef {InGallery | Loading | Playing | Paused | Lost} Screen */

/** @type {Readonly<Record<Screen["name"], readonly Screen["name"][]>>} */
const NEXT = {
  gallery: ["loading"],
  loading: ["playing", "paused", "lost", "gallery"],
  playing: ["paused", "lost", "gallery"],
  paused: ["paused", "playing", "lost", "gallery"],
  lost: ["loading", "gallery"],
};

/**
 * @template {Screen} Next
 * @param {Screen} from
 * @param {Next} to
 * @returns {Next}
 * @throws {Error} the transition is not allowed
 */
export function transition(from, to) {
  if (!NEXT[from.name].includes(to.name)) throw new Error(`The page cannot go from ${from.name} to ${to.name}.`);
  return to;
}
