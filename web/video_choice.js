// @ts-check
// Decides whether frames should come as JPEGs or as H.264.

/** @import { FrameHeader } from "./protocol.generated.d.ts" */
/** @import { DecoderFault } from "./video_pictures.js" */

const WINDOW_PASSES = 40;
const MOST_LOST = 0.15; // of the passes: above, the link is slower than the JPEGs
const SMALL_BYTES = 20_000; // a frame below this is cheap to send as a JPEG
const LOWERED_QUALITY = 70; // the server has given up finer JPEGs
const REST_MS = 10_000; // before a decoder that was silent is tried again, and twice as long each further time
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** @returns {Promise<boolean>} whether this browser decodes H.264; browsers tell only secure pages and loopback */
export async function canDecode(codec = "avc1.64001f") {
  if (!("VideoDecoder" in globalThis)) return false;
  try {
    return (await VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true })).supported ?? false;
  } catch {
    return false;
  }
}

/**
 * JPEGs on this machine, and until they turn out to be too much for the link. From then on H.264, for as long as the page
 * is open. A decoder that reports an error is not tried again; one that was silent is, as the machine may have been busy.
 */
export class VideoChoice {
  #isNear;
  #isSupported = false;
  #isKnown;
  #isSlow = false;
  #isAlways;
  #onCodec;
  #hasFailed = false;
  #restMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #rest;
  #passes = 0;
  #lost = 0;
  /** @type {FrameHeader | null} */
  #last = null;

  /**
   * @param {string} hostname of the server
   * @param {Promise<boolean>} isSupported
   * @param {() => boolean} isAlways the person wants H.264 whatever the link
   * @param {(codec: "jpeg" | "h264", reason: string) => void} onCodec frames should come as something else from now on
   */
  constructor(hostname, isSupported, isAlways, onCodec, restMs = REST_MS) {
    this.#isAlways = isAlways;
    this.#onCodec = onCodec;
    this.#restMs = restMs;
    this.#isNear = LOOPBACK.test(hostname);
    this.#isKnown = isSupported.then((supported) => void (this.#isSupported = supported));
  }

  /** @returns {Promise<void>} until the browser has said whether it decodes H.264, which a busy machine delays */
  known() {
    return this.#isKnown;
  }

  /** @returns {"jpeg" | "h264"} what to ask for; JPEGs before `known` */
  codec() {
    const isWanted = this.#isAlways() || (this.#isSlow && !this.#isNear);
    return isWanted && this.#isSupported && !this.#hasFailed ? "h264" : "jpeg";
  }

  /**
   * The decoder has failed in play.
   *
   * @param {DecoderFault} fault
   */
  failed({ isSilence, reason }) {
    this.#hasFailed = true;
    this.#onCodec("jpeg", reason);
    clearTimeout(this.#rest);
    if (!isSilence) return;
    this.#rest = setTimeout(() => this.#tryAgain(), this.#restMs);
    this.#restMs *= 2;
  }

  #tryAgain() {
    this.#hasFailed = false;
    if (this.codec() === "h264") this.#onCodec("h264", "the decoder is tried again");
  }

  /** Another connection: what was counted belongs to the one before. */
  restart() {
    this.#last = null;
    this.#passes = this.#lost = 0;
  }

  /**
   * @param {FrameHeader} header
   * @param {number} frameBytes of each frame that came, on average: fewer may have come than the world has made
   */
  arrived(header, frameBytes) {
    const last = this.#last;
    this.#last = header;
    if (header.codec === "h264" || this.#isSlow || this.#isNear) return;
    if (frameBytes < SMALL_BYTES) return;
    this.#passes += 1;
    if (last && last.epoch === header.epoch) {
      this.#lost += Math.max((header.frame_id - last.frame_id) / Math.max(last.temporal_compression, 1) - 1, 0);
    }
    if (this.#passes < WINDOW_PASSES) return;
    const share = this.#lost / (this.#lost + this.#passes);
    this.#passes = this.#lost = 0;
    this.#isSlow = share > MOST_LOST || (header.quality ?? 100) < LOWERED_QUALITY;
    if (this.#isSlow && this.codec() === "h264") this.#onCodec("h264", "the link is slower than the JPEGs");
  }
}
