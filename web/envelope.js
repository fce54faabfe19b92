// @ts-check
// The binary frame envelope: a header and the JPEG sub-frames of one pass.

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
 * Every sub-frame takes four bytes at least, so a broken count is seen before an array of that size is made.
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
