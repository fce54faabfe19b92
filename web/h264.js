// @ts-check
// What a decoder must be told of a stream of H.264 before its first frame.

const SEQUENCE_PARAMETERS = 7;

/**
 * The name of the profile and level, as WebCodecs wants it. A key frame has it in its sequence parameters.
 *
 * @param {Uint8Array} unit an access unit in Annex B form
 * @returns {string | null} null where the unit has no sequence parameters
 */
export function codecOf(unit) {
  for (let at = 0; at + 6 < unit.length; at += 1) {
    if (unit[at] !== 0 || unit[at + 1] !== 0 || unit[at + 2] !== 1) continue;
    if (((unit[at + 3] ?? 0) & 0x1f) !== SEQUENCE_PARAMETERS) continue;
    const profile = unit.subarray(at + 4, at + 7);
    return `avc1.${[...profile].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  return null;
}
