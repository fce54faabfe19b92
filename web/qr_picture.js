// @ts-check
// Draws a QR code, dark on light as readers expect it, with the light margin that they need.

import { make } from "./dom.js";
import { qrCode } from "./qr_code.js";

const MARGIN = 4;

/**
 * @param {string} text
 * @param {string} label for screen readers
 * @returns {HTMLCanvasElement | null} with one pixel for each module; null if the text is too long for a code
 */
export function qrPicture(text, label) {
  const modules = qrCode(text);
  if (!modules) return null;
  const size = modules.length + 2 * MARGIN;
  const canvas = make("canvas", { className: "qr-picture", width: size, height: size, role: "img", ariaLabel: label });
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size, size);
  context.fillStyle = "#000";
  modules.forEach((row, y) => row.forEach((isDark, x) => isDark && context.fillRect(x + MARGIN, y + MARGIN, 1, 1)));
  return canvas;
}
