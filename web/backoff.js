// @ts-check
// The delay before the next attempt to connect.

/** Who waits for a place tries less often at first, and more often in the end, than who waits for a server. */
const DELAYS_MS = {
  reconnect: [500, 1000, 2000, 4000, 8000, 15000],
  queue: [2000, 4000, 8000],
};
const JITTER = 0.2;

/**
 * @param {"reconnect" | "queue"} recovery
 * @param {number} attempt from 0
 * @param {() => number} random 0 to 1; spreads the attempts of many pages over time
 * @returns {number} milliseconds
 */
export function retryDelay(recovery, attempt, random = Math.random) {
  const delays = DELAYS_MS[recovery];
  const delay = delays[Math.min(attempt, delays.length - 1)] ?? 0;
  return delay * (1 + JITTER * (2 * random() - 1));
}
