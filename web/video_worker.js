// @ts-check
// Decodes H.264 beside the page, so that drawing and the controls are not held up.

import { codecOf } from "./h264.js";

/** @typedef {{ unit: Uint8Array<ArrayBuffer>, isKey: boolean, number: number }} ToDecode */
/** @typedef {{ number: number, frame: VideoFrame } | { error: string }} Decoded */

/** @type {VideoDecoder | null} */
let decoder = null;
let codec = "";

/**
 * @param {Decoded} message
 * @param {Transferable[]} transferred
 */
function tell(message, transferred = []) {
  /** @type {(message: Decoded, transferred: Transferable[]) => void} */ (/** @type {unknown} */ (self.postMessage))(
    message,
    transferred,
  );
}

/** @param {string} wanted */
function configure(wanted) {
  decoder ??= new VideoDecoder({
    // The time of a frame is its number, so that it finds back to its pass.
    output: (frame) => tell({ number: frame.timestamp, frame }, [frame]),
    error: (error) => tell({ error: error.message }),
  });
  decoder.configure({ codec: wanted, optimizeForLatency: true });
  codec = wanted;
}

self.addEventListener("message", (/** @type {MessageEvent<ToDecode>} */ { data }) => {
  try {
    const named = data.isKey ? codecOf(data.unit) : null;
    if (named !== null && named !== codec) configure(named);
    if (!decoder) throw new Error("The first frame is no key frame.");
    decoder.decode(
      new EncodedVideoChunk({ type: data.isKey ? "key" : "delta", timestamp: data.number, data: data.unit }),
    );
  } catch (error) {
    tell({ error: String(error) });
  }
});
