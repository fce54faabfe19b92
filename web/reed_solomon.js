// @ts-check
// Codewords with which a reader corrects errors: Reed-Solomon over the bytes, with the polynomial of QR codes.

const FIELD_POLYNOMIAL = 0x11d;

/**
 * @param {number} one
 * @param {number} other
 * @returns {number} their product in the field of 256 elements
 */
function product(one, other) {
  let result = 0;
  for (let bit = 7; bit >= 0; bit--) {
    result = (result << 1) ^ (result & 0x80 ? FIELD_POLYNOMIAL : 0);
    if ((other >> bit) & 1) result ^= one;
  }
  return result;
}

/**
 * @param {number} degree
 * @returns {number[]} coefficients of the product of (x - 2^i) for i below the degree, without the leading 1
 */
function generatorOf(degree) {
  let polynomial = [1];
  let root = 1;
  for (let index = 0; index < degree; index++) {
    const [current, factor] = [polynomial, root];
    polynomial = [...current, 0].map((value, at) => value ^ product(current[at - 1] ?? 0, factor));
    root = product(root, 2);
  }
  return polynomial.slice(1);
}

/**
 * @param {readonly number[]} data bytes
 * @param {number} count
 * @returns {number[]} the remainder of the data, as a polynomial, by the generator of this degree
 */
export function correctionOf(data, count) {
  const generator = generatorOf(count);
  let rest = Array.from({ length: count }, () => 0);
  for (const byte of data) {
    const factor = byte ^ (rest[0] ?? 0);
    rest = [...rest.slice(1), 0].map((value, index) => value ^ product(generator[index] ?? 0, factor));
  }
  return rest;
}
