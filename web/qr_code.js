// @ts-check
// Turns a short text into the modules of a QR code: ISO/IEC 18004, bytes, error correction level M, versions 1 to 10.

import { correctionOf } from "./reed_solomon.js";

/** @typedef {readonly (readonly boolean[])[]} Modules rows from the top; true is dark */

/**
 * @typedef {object} Version
 * @property {number} number
 * @property {number} correction codewords that each block has for correcting errors
 * @property {readonly number[]} blocks the number of data codewords in each
 * @property {readonly number[]} alignment where the middles of alignment patterns are, in both directions
 */

/** @type {readonly Version[]} */
const VERSIONS = [
  { number: 1, correction: 10, blocks: [16], alignment: [] },
  { number: 2, correction: 16, blocks: [28], alignment: [6, 18] },
  { number: 3, correction: 26, blocks: [44], alignment: [6, 22] },
  { number: 4, correction: 18, blocks: [32, 32], alignment: [6, 26] },
  { number: 5, correction: 24, blocks: [43, 43], alignment: [6, 30] },
  { number: 6, correction: 16, blocks: [27, 27, 27, 27], alignment: [6, 34] },
  { number: 7, correction: 18, blocks: [31, 31, 31, 31], alignment: [6, 22, 38] },
  { number: 8, correction: 22, blocks: [38, 38, 39, 39], alignment: [6, 24, 42] },
  { number: 9, correction: 22, blocks: [36, 36, 36, 37, 37], alignment: [6, 26, 46] },
  { number: 10, correction: 26, blocks: [43, 43, 43, 43, 44], alignment: [6, 28, 50] },
];

/** @type {readonly ((row: number, column: number) => boolean)[]} */
const MASKS = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

const BYTE_MODE = 0b0100;
const PADDING = [0b11101100, 0b00010001];
const FORMAT_GENERATOR = 0b10100110111;
const FORMAT_MASK = 0b101010000010010;
const VERSION_GENERATOR = 0b1111100100101;
/** Light and dark as in a finder pattern, which must not appear elsewhere. */
const FINDER_LIKE = ["10111010000", "00001011101"];

/**
 * @param {string} text
 * @returns {Modules | null} null if the text is too long: more than 213 bytes
 */
export function qrCode(text) {
  const bytes = new TextEncoder().encode(text);
  const version = VERSIONS.find((one) => headBits(one) + bytes.length * 8 <= sum(one.blocks) * 8);
  if (!version) return null;
  const bits = interleaved(dataCodewords(bytes, version), version).flatMap((byte) => bitsOf(byte, 8));
  const candidates = MASKS.map((_, mask) => drawn(bits, version, mask));
  return candidates.reduce((best, other) => (penalty(other) < penalty(best) ? other : best));
}

/** @param {Version} version */
function headBits({ number }) {
  return 4 + (number < 10 ? 8 : 16);
}

/**
 * @param {Uint8Array} bytes
 * @param {Version} version
 * @returns {number[]}
 */
function dataCodewords(bytes, version) {
  const room = sum(version.blocks) * 8;
  const bits = [
    ...bitsOf(BYTE_MODE, 4),
    ...bitsOf(bytes.length, headBits(version) - 4),
    ...[...bytes].flatMap((byte) => bitsOf(byte, 8)),
  ];
  for (let end = 0; end < 4 && bits.length < room; end++) bits.push(false);
  while (bits.length % 8 !== 0) bits.push(false);
  const codewords = Array.from({ length: bits.length / 8 }, (_, index) => numberOf(bits.slice(index * 8, index * 8 + 8)));
  const missing = room / 8 - codewords.length;
  return [...codewords, ...Array.from({ length: missing }, (_, index) => PADDING[index % 2] ?? 0)];
}

/**
 * The first codeword of each block, then the second of each, and so on; first those of data.
 *
 * @param {readonly number[]} data
 * @param {Version} version
 */
function interleaved(data, { blocks, correction }) {
  const starts = blocks.map((_, index) => sum(blocks.slice(0, index)));
  const parts = blocks.map((length, index) => data.slice(starts[index], (starts[index] ?? 0) + length));
  const corrections = parts.map((part) => correctionOf(part, correction));
  return [...columnsOf(parts), ...columnsOf(corrections)];
}

/** @param {readonly (readonly number[])[]} rows */
function columnsOf(rows) {
  const longest = Math.max(...rows.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => rows.flatMap((row) => row[index] ?? [])).flat();
}

/**
 * @param {readonly boolean[]} bits
 * @param {Version} version
 * @param {number} mask
 * @returns {Modules}
 */
function drawn(bits, version, mask) {
  const size = 17 + 4 * version.number;
  /** @type {(boolean | null)[][]} null where data go */
  const modules = Array.from({ length: size }, () => Array.from({ length: size }, () => null));
  const set = (/** @type {number} */ row, /** @type {number} */ column, /** @type {boolean} */ isDark) => {
    const line = modules[row];
    if (line && column >= 0 && column < size) line[column] = isDark;
  };
  drawPatterns(set, size, version);
  drawFormat(set, size, mask);
  if (version.number >= 7) drawVersion(set, size, version.number);
  const isMasked = MASKS[mask] ?? (() => false);
  let index = 0;
  for (const [row, column] of dataPath(size)) {
    if (modules[row]?.[column] !== null) continue;
    set(row, column, (bits[index] ?? false) !== isMasked(row, column));
    index += 1;
  }
  return modules.map((line) => line.map(Boolean));
}

/** @typedef {(row: number, column: number, isDark: boolean) => void} Set */

/**
 * @param {Set} set
 * @param {number} size
 * @param {Version} version
 */
function drawPatterns(set, size, { alignment }) {
  for (let index = 8; index < size - 8; index++) {
    set(6, index, index % 2 === 0);
    set(index, 6, index % 2 === 0);
  }
  const last = alignment.at(-1);
  for (const row of alignment) {
    for (const column of alignment) {
      const isAtFinder = (row === 6 && column === 6) || (row === 6 && column === last) || (row === last && column === 6);
      if (!isAtFinder) drawSquares(set, row, column, 2, [0, 2]);
    }
  }
  // One further ring of light modules separates a finder pattern from the rest.
  for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]]) drawSquares(set, row ?? 0, column ?? 0, 4, [0, 1, 3]);
}

/**
 * @param {Set} set
 * @param {number} row of the middle
 * @param {number} column
 * @param {number} radius
 * @param {readonly number[]} dark the distances from the middle at which modules are dark
 */
function drawSquares(set, row, column, radius, dark) {
  for (let down = -radius; down <= radius; down++) {
    for (let right = -radius; right <= radius; right++) {
      set(row + down, column + right, dark.includes(Math.max(Math.abs(down), Math.abs(right))));
    }
  }
}

/**
 * @param {Set} set
 * @param {number} size
 * @param {number} mask
 */
function drawFormat(set, size, mask) {
  // Level M is 00, so that the mask alone is left.
  const bits = bitsOf(withRemainder(mask, FORMAT_GENERATOR, 10) ^ FORMAT_MASK, 15).reverse();
  bits.forEach((isDark, index) => {
    // Around the finder at the top left, past the timing patterns.
    if (index < 8) set(index < 6 ? index : index + 1, 8, isDark);
    else set(8, index === 8 ? 7 : 14 - index, isDark);
    if (index < 8) set(8, size - 1 - index, isDark);
    else set(size - 15 + index, 8, isDark);
  });
  set(size - 8, 8, true);
}

/**
 * @param {Set} set
 * @param {number} size
 * @param {number} number
 */
function drawVersion(set, size, number) {
  const bits = bitsOf(withRemainder(number, VERSION_GENERATOR, 12), 18).reverse();
  bits.forEach((isDark, index) => {
    const [along, across] = [Math.floor(index / 3), size - 11 + (index % 3)];
    set(along, across, isDark);
    set(across, along, isDark);
  });
}

/**
 * Up and down through pairs of columns, from the right; the column of the timing pattern is left out.
 *
 * @param {number} size
 * @returns {Generator<[number, number]>}
 */
function* dataPath(size) {
  let isUpward = true;
  for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2) {
    for (let step = 0; step < size; step++) {
      const row = isUpward ? size - 1 - step : step;
      yield [row, right];
      yield [row, right - 1];
    }
    isUpward = !isUpward;
  }
}

/**
 * @param {Modules} modules
 * @returns {number} how hard it is to read
 */
function penalty(modules) {
  const columns = modules.map((_, column) => modules.map((row) => row[column] ?? false));
  const lines = [...modules, ...columns].map((line) => line.map(Number).join(""));
  const runs = lines.flatMap((line) => line.match(/0{5,}|1{5,}/g) ?? []).map(({ length }) => length - 2);
  const finders = lines.map((line) => sum(FINDER_LIKE.map((pattern) => countOf(line, pattern))));
  const dark = sum(modules.map((row) => row.filter(Boolean).length)) / modules.length ** 2;
  return sum(runs) + 3 * blocksOfOneColour(modules) + 40 * sum(finders) + 10 * Math.floor(Math.abs(dark - 0.5) * 20);
}

/** @param {Modules} modules */
function blocksOfOneColour(modules) {
  let count = 0;
  modules.forEach((row, y) =>
    row.forEach((isDark, x) => {
      const others = [row[x + 1], modules[y + 1]?.[x], modules[y + 1]?.[x + 1]];
      if (others.every((other) => other === isDark)) count += 1;
    }),
  );
  return count;
}

/**
 * @param {string} line
 * @param {string} pattern occurrences may overlap
 */
function countOf(line, pattern) {
  let count = 0;
  for (let at = line.indexOf(pattern); at >= 0; at = line.indexOf(pattern, at + 1)) count += 1;
  return count;
}

/**
 * @param {number} value
 * @param {number} generator polynomial of degree `length`
 * @param {number} length
 * @returns {number} the value, followed by the bits that protect it
 */
function withRemainder(value, generator, length) {
  let rest = value << length;
  for (let bit = 31 - Math.clz32(rest); rest !== 0 && bit >= length; bit = 31 - Math.clz32(rest)) {
    rest ^= generator << (bit - length);
  }
  return (value << length) | rest;
}

/**
 * @param {number} value
 * @param {number} length
 * @returns {boolean[]} the highest first
 */
function bitsOf(value, length) {
  return Array.from({ length }, (_, index) => ((value >> (length - 1 - index)) & 1) === 1);
}

/** @param {readonly boolean[]} bits */
function numberOf(bits) {
  return bits.reduce((value, bit) => value * 2 + Number(bit), 0);
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((one, other) => one + other, 0);
}
