// @ts-check
// Parses the binary message of a pass: a header and JPEG sub-frames.

/** @import { FrameHeader } from "./protocol.generated.d.ts" */

/**
 * @typedef {object} Envelope
 * @property {FrameHeader} header
 * @property {Uint8Array<ArrayBuffer>[]} jpegs views into the message, not copies
 */

export class EnvelopeError extends Error {}

/**
 * u32 header length, header JSON, u32 count, then u32 length and bytes of each JPEG; little endian.
 *
 * @param {ArrayBuffer} buffer
 * @returns {Envelope}
 * @throws {EnvelopeError} truncated, or longer than it says
 */
export function decodeEnvelope(buffer) {
  const view = new DataView(buffer);
  let at = 0;

  /** @param {number} count */
  function take(count) {
    if (at + count > buffer.byteLength) {
      const end = at + count;
      throw new EnvelopeError(`The envelope ends at byte ${buffer.byteLength}, inside a part that ends at ${end}.`);
    }
    at += count;
    return at - count;
  }
  const takeLength = () => view.getUint32(take(4), true);
  const takeBytes = () => {
    const length = takeLength();
    return new Uint8Array(buffer, take(length), length);
  };

  const header = parseHeader(takeBytes());
  const jpegs = Array.from({ length: boundedCount(takeLength(), buffer.byteLength - at) }, takeBytes);
  if (at !== buffer.byteLength) {
    throw new EnvelopeError(`${buffer.byteLength - at} bytes follow the last sub-frame.`);
  }
  return { header, jpegs };
}

/**
 * Every sub-frame takes at least four bytes, so a wrong count is detected before an array of that size is created.
 *
 * @param {number} count
 * @param {number} bytesLeft
 */
function boundedCount(count, bytesLeft) {
  if (count * 4 > bytesLeft) throw new EnvelopeError(`${count} sub-frames do not fit into ${bytesLeft} bytes.`);
  return count;
}

/**
 * @param {Uint8Array} bytes
 * @returns {FrameHeader}
 */
function parseHeader(bytes) {
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof header?.frame_id === "number") return header;
  } catch (error) {
    throw new EnvelopeError("The header is no JSON.", { cause: error });
  }
  throw new EnvelopeError("The header has no frame_id.");
}
