// @ts-check
// The way back into the world in play, after its connection was lost or the page was reloaded. This tab alone has it.

const KEY = "terrarium.way-back";

/**
 * @typedef {object} WayBack
 * @property {string} token by which the server knows the world; it leads there once
 * @property {string} place the fragment of the place that is played
 * @property {boolean} isRecorded
 */

/** @typedef {() => Pick<Storage, "getItem" | "setItem" | "removeItem">} Store raises where storage is blocked */

/**
 * @param {WayBack} way
 * @param {Store} store
 */
export function keepWayBack(way, store = () => sessionStorage) {
  try {
    store().setItem(KEY, JSON.stringify(way));
  } catch {
    // Then a reload begins the world anew.
  }
}

/**
 * @param {string} place
 * @param {Store} store
 * @returns {WayBack | null} null if no world of that place was left
 */
export function wayBackTo(place, store = () => sessionStorage) {
  try {
    const way = JSON.parse(store().getItem(KEY) ?? "null");
    return way?.place === place && typeof way.token === "string" ? way : null;
  } catch {
    return null;
  }
}

/** @param {Store} store */
export function forgetWayBack(store = () => sessionStorage) {
  try {
    store().removeItem(KEY);
  } catch {
    // Then there is none either.
  }
}
