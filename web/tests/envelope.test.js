// @ts-check
// The binary envelope: what the server writes is read, and what is broken is refused.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeEnvelope, EnvelopeError } from "../envelope.js";

const HEADER = { frame_id: 8, client_ts: 12.5, gen_ms: 50, temporal_compression: 2 };

/**
 * @param {unknown} header
 * @param {number[][]} jpegs
 */
function encode(header, jpegs) {
  const head = new TextEncoder().encode(JSON.stringify(header));
  const u32 = (/** @type {number} */ value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  const pictures = jpegs.flatMap((jpeg) => [...u32(jpeg.length), ...jpeg]);
  const parts = [...u32(head.length), ...head, ...u32(jpegs.length), ...pictures];
  return Uint8Array.from(parts).buffer;
}

test("header and sub-frames are read", () => {
  const { header, jpegs } = decodeEnvelope(encode(HEADER, [[1, 2, 3], [], [4]]));
  assert.deepEqual(header, HEADER);
  assert.deepEqual(jpegs.map((jpeg) => [...jpeg]), [[1, 2, 3], [], [4]]);
});

test("a message cut off anywhere is refused", () => {
  const whole = encode(HEADER, [[1, 2, 3], [4, 5]]);
  for (let length = 0; length < whole.byteLength; length += 1) {
    assert.throws(() => decodeEnvelope(whole.slice(0, length)), EnvelopeError, `cut to ${length} bytes`);
  }
});

test("bytes after the last sub-frame are refused", () => {
  const whole = new Uint8Array(encode(HEADER, [[1]]));
  assert.throws(() => decodeEnvelope(Uint8Array.of(...whole, 0).buffer), EnvelopeError);
});

test("a count that cannot be is refused before memory is taken for it", () => {
  const whole = new Uint8Array(encode(HEADER, []));
  whole.fill(255, whole.length - 4);
  assert.throws(() => decodeEnvelope(whole.buffer), EnvelopeError);
});

test("a header without a frame id is refused", () => {
  assert.throws(() => decodeEnvelope(encode({ gen_ms: 1 }, [])), EnvelopeError);
});
