// @ts-check
// Decodes, paces, draws and acknowledges passes. Holds at most one pass on the screen, one in decoding and one waiting.
// Units of H.264 go to their decoder as they arrive, because each builds on those before, also on ones that are not drawn.

import { decodeEnvelope } from "./envelope.js";
import { newestDue, Pacer } from "./pacer.js";

/** @import { FrameHeader } from "./protocol.generated.d.ts" */
/** @import { VideoPictures } from "./video_pictures.js" */

/** @typedef {ImageBitmap | VideoFrame} Picture */

/**
 * @typedef {object} Pass
 * @property {FrameHeader} header
 * @property {Uint8Array<ArrayBuffer>[]} jpegs or access units of H.264
 * @property {Promise<Picture | null>[] | null} decoded null for JPEGs, which are decoded when it is their turn
 * @property {number} step milliseconds from each sub-frame to the next
 * @property {number} startedAt when its first sub-frame was drawn; NaN before that
 * @property {(Picture | null)[]} bitmaps null before a sub-frame is decoded and after it was drawn
 * @property {number} shown index of the sub-frame on the screen, -1 for none
 * @property {boolean} acknowledged
 */

/**
 * @typedef {object} FrameListener
 * @property {(header: FrameHeader, bytes: number, frames: number) => void} onArrived
 * @property {(header: FrameHeader) => void} onDone the pass was drawn or skipped, so the server may send another
 * @property {(header: FrameHeader) => void} onDrawn after each sub-frame that reached the canvas
 * @property {(error: unknown) => void} onBroken
 */

export class FramePlayer {
  #view;
  #video;
  #listener;
  #pacer = new Pacer();
  /** @type {Pass | null} on the screen, or the next one to be */
  #current = null;
  /** @type {Pass | null} its first sub-frame is being decoded */
  #decoding = null;
  /** @type {Pass | null} the newest one that arrived meanwhile */
  #waiting = null;
  #skipped = 0;

  /**
   * @param {{ draw: (picture: Picture) => void }} view
   * @param {Pick<VideoPictures, "decode" | "restart">} video
   * @param {FrameListener} listener
   */
  constructor(view, video, listener) {
    this.#view = view;
    this.#video = video;
    this.#listener = listener;
  }

  /** Passes that arrived and were never drawn. */
  get skipped() {
    return this.#skipped;
  }

  /**
   * @param {ArrayBuffer} buffer
   * @param {number} now
   */
  receive(buffer, now) {
    let envelope;
    try {
      envelope = decodeEnvelope(buffer);
    } catch (error) {
      this.#listener.onBroken(error);
      return;
    }
    const { header, jpegs } = envelope;
    this.#listener.onArrived(header, buffer.byteLength, jpegs.length);
    const step = this.#pacer.arrived(now, header.gen_ms, jpegs.length);
    this.#giveUp(this.#waiting);
    const bitmaps = jpegs.map(() => null);
    const decoded = header.codec === "h264" ? this.#startDecoding(header, jpegs) : null;
    this.#waiting = { header, jpegs, decoded, step, startedAt: Number.NaN, bitmaps, shown: -1, acknowledged: false };
    if (!this.#decoding) void this.#decodeNext();
  }

  /**
   * Call once per animation frame.
   *
   * @param {number} now
   */
  draw(now) {
    const pass = this.#current;
    if (!pass) return;
    // Counted from the first drawn sub-frame, not from the arrival. Otherwise decoding time could skip the next one.
    if (pass.shown < 0) pass.startedAt = now;
    const index = newestDue(pass.bitmaps, pass.shown, pass.step, now - pass.startedAt);
    const bitmap = pass.bitmaps[index];
    if (!bitmap) return;
    this.#view.draw(bitmap);
    pass.shown = index;
    closeBitmaps(pass, index);
    this.#acknowledge(pass);
    this.#listener.onDrawn(pass.header);
  }

  /** To be called for a new connection, whose passes are unrelated to the earlier ones. */
  restart() {
    for (const decoded of this.#waiting?.decoded ?? []) void decoded.then((frame) => frame?.close());
    for (const pass of [this.#current, this.#decoding, this.#waiting]) {
      // The old connection needs no acknowledgement.
      if (pass) pass.acknowledged = true;
      if (pass) closeBitmaps(pass);
    }
    this.#current = null;
    this.#waiting = null;
    this.#decoding = null;
    this.#skipped = 0;
    this.#pacer.restart();
    this.#video.restart();
  }

  /**
   * @param {FrameHeader} header
   * @param {Uint8Array<ArrayBuffer>[]} units
   */
  #startDecoding(header, units) {
    return units.map((unit, index) => this.#video.decode(unit, index === 0 && header.key_frame === true));
  }

  async #decodeNext() {
    while (this.#waiting) {
      const pass = this.#waiting;
      this.#decoding = pass;
      this.#waiting = null;
      const rest = pass.jpegs.map((jpeg, index) => this.#decodeInto(pass, jpeg, index));
      await rest[0];
      // After a restart this pass is obsolete, and another loop may be running.
      if (this.#decoding !== pass) return closeBitmaps(pass);
      this.#decoding = null;
      this.#show(pass);
    }
  }

  /**
   * @param {Pass} pass
   * @param {Uint8Array<ArrayBuffer>} jpeg
   * @param {number} index
   */
  async #decodeInto(pass, jpeg, index) {
    try {
      const bitmap = await (pass.decoded
        ? pass.decoded[index]
        : createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })));
      const isWanted = index > pass.shown && (pass === this.#decoding || pass === this.#current);
      if (bitmap && isWanted) pass.bitmaps[index] = bitmap;
      else bitmap?.close();
    } catch (error) {
      this.#listener.onBroken(error);
    }
  }

  /** @param {Pass} pass */
  #show(pass) {
    this.#giveUp(this.#current);
    this.#current = pass;
    const isBroken = pass.bitmaps.every((bitmap) => bitmap === null);
    // A hidden page draws nothing, but must not block the server.
    if (document.hidden || isBroken) this.#acknowledge(pass);
  }

  /** @param {Pass | null} pass */
  #giveUp(pass) {
    if (!pass) return;
    if (pass.shown < 0) this.#skipped += 1;
    // What was not yet its turn has no other owner.
    if (pass === this.#waiting) for (const decoded of pass.decoded ?? []) void decoded.then((frame) => frame?.close());
    closeBitmaps(pass);
    this.#acknowledge(pass);
  }

  /** @param {Pass} pass */
  #acknowledge(pass) {
    if (pass.acknowledged) return;
    pass.acknowledged = true;
    this.#listener.onDone(pass.header);
  }
}

/**
 * @param {Pass} pass
 * @param {number} last index of the last one to close
 */
function closeBitmaps(pass, last = pass.bitmaps.length - 1) {
  for (let index = 0; index <= last; index += 1) {
    pass.bitmaps[index]?.close();
    pass.bitmaps[index] = null;
  }
}
