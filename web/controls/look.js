// @ts-check
// How motion of the mouse, a stick or a finger becomes motion of the view.

/** @typedef {{ sensitivity: number, invertLook: boolean }} LookSettings */

/**
 * @param {number} dx pixels of the device
 * @param {number} dy
 * @param {LookSettings} settings
 * @returns {[number, number]}
 */
export function lookMotion(dx, dy, { sensitivity, invertLook }) {
  return [dx * sensitivity, dy * (invertLook ? -sensitivity : sensitivity)];
}
