// @ts-check
// The address of a place: reloading the page comes back to it, Back leaves it, and a link to it can be passed on.

/** @typedef {{ seed_hash: string } | { world_id: string }} Place a picture or a saved world */

const SEED = /^#seed=([0-9a-f]{64})$/;
const WORLD = /^#world=([\w-]{1,80})$/;

/**
 * @param {Place} place
 * @returns {string} the fragment of its address
 */
export function fragmentOf(place) {
  return "seed_hash" in place ? `#seed=${place.seed_hash}` : `#world=${place.world_id}`;
}

/**
 * @param {string} fragment
 * @returns {Place | null} null if it is of no place
 */
export function placeIn(fragment) {
  const seed = SEED.exec(fragment)?.[1];
  if (seed) return { seed_hash: seed };
  const world = WORLD.exec(fragment)?.[1];
  return world ? { world_id: world } : null;
}

/**
 * Keeps the address in step with the place that is played. The browser's history has an entry for the gallery and one
 * for the world above it, however often the place changes.
 */
export class PlaceAddress {
  #window;
  #listener;

  /**
   * @param {Pick<Window, "history" | "location" | "addEventListener">} window
   * @param {{ onPlace: (place: Place) => void, onGallery: () => void }} listener the person went there by the browser
   */
  constructor(window, listener) {
    this.#window = window;
    this.#listener = listener;
    window.addEventListener("popstate", () => this.#went());
  }

  /** The place that the page was opened with. */
  get place() {
    return placeIn(this.#window.location.hash);
  }

  /** @param {Place} place that is played from now on */
  enter(place) {
    const { history, location } = this.#window;
    const fragment = fragmentOf(place);
    if (location.hash === fragment) return;
    if (this.place === null) history.pushState({ isAboveGallery: true }, "", fragment);
    else history.replaceState(history.state, "", fragment);
  }

  /** The gallery is shown from now on. */
  leave() {
    const { history, location } = this.#window;
    if (this.place === null) return;
    // Whoever came by a link has no gallery to go back to.
    if (history.state?.isAboveGallery) history.back();
    else history.replaceState(null, "", location.pathname + location.search);
  }

  /** @param {Place} place */
  linkTo(place) {
    const { origin, pathname } = this.#window.location;
    // Without the query, in which there may be an invitation.
    return origin + pathname + fragmentOf(place);
  }

  #went() {
    const { place } = this;
    if (place) this.#listener.onPlace(place);
    else this.#listener.onGallery();
  }
}
