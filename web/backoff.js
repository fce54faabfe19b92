// @ts-check
// The delay before the next attempt to connect.

const RECONNECT_MS = [500, 1000, 2000, 4000, 8000, 15000];
const QUEUE_MS = 5000;
const JITTER = 0.2;

/**
 * @param {"reconnect" | "queue"} recovery
 * @param {number} attempt from 0
 * @param {() => number} random 0 to 1; spreads the attempts of many pages over time
 * @returns {number} milliseconds
 */
export function retryDelay(recovery, attempt, random = Math.random) {
  const last = RECONNECT_MS.length - 1;
  const delay = recovery === "queue" ? QUEUE_MS : (RECONNECT_MS[Math.min(attempt, last)] ?? QUEUE_MS);
  return delay * (1 + JITTER * (2 * random() - 1));
}
