// @ts-check
// How a picture of another shape becomes the wide one that worlds are made of: a part of it, or all of it with soft sides.

export const WIDE = 16 / 9;
/** Whoever loses less than this share of a picture is not asked. A photograph of 4:3 loses a quarter. */
const SMALL_LOSS = 0.3;
const MOST_WIDTH = 2560;
const LEAST_WIDTH = 320;
/** Share of the picture's own width or height over which its edge fades into the surroundings. */
const FADE = 0.08;
/** So few pixels that nothing of the picture can be recognised in its surroundings. */
const BLURRED_WIDTH = 24;

/** @typedef {{ kind: "part", at: number } | { kind: "whole" }} Framing `at`: 0 for the upper or left end, 1 for the other */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {Size & { x: number, y: number }} Box */

/**
 * @param {Size} picture
 * @returns {boolean} whether so much would be cut off that the person should decide
 */
export function needsFraming({ width, height }) {
  const shape = width / height;
  return 1 - Math.min(shape, WIDE) / Math.max(shape, WIDE) > SMALL_LOSS;
}

/** @param {Size} picture */
export function isUpright({ width, height }) {
  return width / height < WIDE;
}

/**
 * @param {Size} picture
 * @param {Framing} framing
 * @returns {Size} of the wide picture: as many pixels as the part that is shown has, within reason
 */
export function framedSize({ width, height }, framing) {
  const own = (framing.kind === "part") === isUpright({ width, height }) ? width : height * WIDE;
  const wide = Math.round(Math.min(Math.max(own, LEAST_WIDTH), MOST_WIDTH));
  return { width: wide, height: Math.round(wide / WIDE) };
}

/**
 * @param {Size} picture
 * @param {number} at
 * @returns {Box} the largest part of the picture with the wide shape
 */
export function partOf({ width, height }, at) {
  const part = isUpright({ width, height })
    ? { width, height: width / WIDE }
    : { width: height * WIDE, height };
  return { ...part, x: (width - part.width) * at, y: (height - part.height) * at };
}

/**
 * @param {Size} picture
 * @param {Size} frame
 * @returns {Box} where the whole picture is in the frame
 */
export function placeOfWhole({ width, height }, frame) {
  const scale = Math.min(frame.width / width, frame.height / height);
  const size = { width: width * scale, height: height * scale };
  return { ...size, x: (frame.width - size.width) / 2, y: (frame.height - size.height) / 2 };
}

/**
 * @param {HTMLCanvasElement} canvas that shows it, in its present size
 * @param {ImageBitmap} picture
 * @param {Framing} framing
 */
export function drawFramed(canvas, picture, framing) {
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "high";
  const { x, y, width, height } = partOf(picture, framing.kind === "part" ? framing.at : 0.5);
  if (framing.kind === "part") {
    context.drawImage(picture, x, y, width, height, 0, 0, canvas.width, canvas.height);
    return;
  }
  const surroundings = canvasOf({ width: BLURRED_WIDTH, height: Math.round(BLURRED_WIDTH / WIDE) });
  contextOf(surroundings).drawImage(picture, x, y, width, height, 0, 0, surroundings.width, surroundings.height);
  context.drawImage(surroundings, 0, 0, canvas.width, canvas.height);
  const whole = placeOfWhole(picture, canvas);
  context.drawImage(faded(picture, whole), whole.x, whole.y, whole.width, whole.height);
}

/**
 * @param {ImageBitmap} picture
 * @param {Size} size
 * @returns {HTMLCanvasElement} the picture, transparent towards the two edges that meet its surroundings
 */
function faded(picture, size) {
  const canvas = canvasOf({ width: Math.ceil(size.width), height: Math.ceil(size.height) });
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const [endX, endY] = isUpright(picture) ? [canvas.width, 0] : [0, canvas.height];
  const fade = context.createLinearGradient(0, 0, endX, endY);
  for (const [at, colour] of /** @type {const} */ ([[0, "#0000"], [FADE, "#000"], [1 - FADE, "#000"], [1, "#0000"]])) {
    fade.addColorStop(at, colour);
  }
  context.globalCompositeOperation = "destination-in";
  context.fillStyle = fade;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

/** @param {Size} size */
export function canvasOf({ width, height }) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives no 2D canvas.");
  return context;
}
