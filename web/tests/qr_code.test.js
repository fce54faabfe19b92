// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { qrCode } from "../qr_code.js";
import { correctionOf } from "../reed_solomon.js";

/** What readers of other makers read as "A". */
const LETTER_A = `
#######.#..#..#######
#.....#.#####.#.....#
#.###.#...#.#.#.###.#
#.###.#.##.##.#.###.#
#.###.#..###..#.###.#
#.....#..#.##.#.....#
#######.#.#.#.#######
........##.##........
#.##.###..###.#..#.##
.#.##..#.#.####..#...
##..###.##.#.....##.#
#.##.#.....#..#####..
#..####..#..#..#..#..
........#.##..#..#..#
#######.#..##..#.#...
#.....#.##.....##.##.
#.###.#..##.#####...#
#.###.#.####..######.
#.###.#.#.#.#.##.....
#.....#...#..#.#..#.#
#######.#....#..#....
`;

/** @param {string} text */
const drawn = (text) => qrCode(text)?.map((row) => row.map((isDark) => (isDark ? "#" : ".")).join("")).join("\n");

test("a short text is drawn as readers expect it", () => {
  assert.equal(drawn("A"), LETTER_A.trim());
});

test("the code grows with the text, up to version 10", () => {
  const sizes = [1, 14, 15, 26, 27, 42, 62, 84, 106, 122, 152, 180, 213].map((length) => qrCode("x".repeat(length))?.length);
  assert.deepEqual(sizes, [21, 21, 25, 25, 29, 29, 33, 37, 41, 45, 49, 53, 57]);
  assert.equal(qrCode("x".repeat(214)), null);
  assert.equal(qrCode("ü".repeat(107)), null, "bytes count, not letters");
});

test("a reader finds no error in data and their correction", () => {
  for (const [length, count] of [[16, 10], [44, 26], [1, 16]]) {
    const data = Array.from({ length: length ?? 0 }, (_, index) => (index * 37 + 11) % 256);
    const codewords = [...data, ...correctionOf(data, count ?? 0)];
    const roots = Array.from({ length: count ?? 0 }, (_, power) => power);
    assert.deepEqual(roots.map((power) => valueAt(codewords, power)), roots.map(() => 0));
  }
});

/**
 * @param {readonly number[]} polynomial
 * @param {number} power of 2 at which it is evaluated, in the field of the code
 */
function valueAt(polynomial, power) {
  const timesTwo = (/** @type {number} */ value) => (value << 1) ^ (value & 0x80 ? 0x11d : 0);
  const timesRoot = (/** @type {number} */ value) => Array.from({ length: power }).reduce(() => (value = timesTwo(value)), value);
  return polynomial.reduce((value, coefficient) => Number(timesRoot(value)) ^ coefficient, 0);
}
