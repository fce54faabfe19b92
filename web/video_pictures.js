// @ts-check
// Turns access units into pictures, by a decoder in a worker that is there while it is needed.

/** @import { Decoded, ToDecode } from "./video_worker.js" */

/**
 * @typedef {object} DecoderFault why there are no pictures any more
 * @property {boolean} isSilence it has reported no error, and given no picture for `PATIENCE_MS`
 * @property {string} reason
 */

/**
 * @typedef {object} WorkerLike the part of a Worker that is used
 * @property {(message: ToDecode) => void} postMessage
 * @property {() => void} terminate
 * @property {((event: { data: Decoded }) => void) | null} onmessage
 * @property {((event: { message?: string }) => void) | null} onerror
 */

// A decoder that is silent for so long has failed: together with the way to the server it stays below a second.
const PATIENCE_MS = 600;

/** @returns {WorkerLike} */
function newWorker() {
  const worker = new Worker(new URL("./video_worker.js", import.meta.url), { type: "module" });
  return /** @type {WorkerLike} */ (/** @type {unknown} */ (worker));
}

export class VideoPictures {
  #makeWorker;
  #onFailed;
  #patienceMs;
  /** @type {WorkerLike | null} */
  #worker = null;
  #number = 0;
  /** @type {Map<number, (frame: VideoFrame | null) => void>} by the number of the unit */
  #awaited = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #hasFailed = false;

  /**
   * @param {(fault: DecoderFault) => void} onFailed is called once for each decoder
   * @param {() => WorkerLike} makeWorker
   * @param {number} patienceMs
   */
  constructor(onFailed, makeWorker = newWorker, patienceMs = PATIENCE_MS) {
    this.#onFailed = onFailed;
    this.#makeWorker = makeWorker;
    this.#patienceMs = patienceMs;
  }

  /**
   * Every unit of a stream must come by here in order, also if its picture is not wanted. After a fault the next key frame
   * gets a new decoder.
   *
   * @param {Uint8Array<ArrayBuffer>} unit
   * @param {boolean} isKey
   * @returns {Promise<VideoFrame | null>} null where it could not be decoded; the caller closes it
   */
  decode(unit, isKey) {
    if (this.#hasFailed && !isKey) return Promise.resolve(null);
    this.#hasFailed = false;
    return new Promise((resolve) => {
      try {
        this.#worker ??= this.#start();
        this.#number += 1;
        this.#awaited.set(this.#number, resolve);
        this.#worker.postMessage({ unit, isKey, number: this.#number });
        this.#wait();
      } catch (error) {
        resolve(null);
        this.#fail({ isSilence: false, reason: String(error) });
      }
    });
  }

  /** Give the decoder up. The next unit gets a new one. */
  restart() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#worker?.terminate();
    this.#worker = null;
    this.#hasFailed = false;
    for (const resolve of this.#awaited.values()) resolve(null);
    this.#awaited.clear();
  }

  #start() {
    const worker = this.#makeWorker();
    const isCurrent = () => worker === this.#worker;
    worker.onmessage = ({ data }) => {
      if (!("error" in data)) this.#decoded(data);
      else if (isCurrent()) this.#fail({ isSilence: false, reason: data.error });
    };
    worker.onerror = ({ message }) => {
      if (isCurrent()) this.#fail({ isSilence: false, reason: message ?? "The decoder could not be started." });
    };
    return worker;
  }

  /** @param {{ number: number, frame: VideoFrame }} decoded */
  #decoded({ number, frame }) {
    const resolve = this.#awaited.get(number);
    this.#awaited.delete(number);
    if (resolve) resolve(frame);
    else frame.close();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wait();
  }

  #wait() {
    if (this.#timer !== undefined || this.#awaited.size === 0) return;
    const fail = () => this.#fail({ isSilence: true, reason: "The decoder does not answer." });
    this.#timer = setTimeout(fail, this.#patienceMs);
  }

  /** @param {DecoderFault} fault */
  #fail(fault) {
    this.restart();
    this.#hasFailed = true;
    this.#onFailed(fault);
  }
}
