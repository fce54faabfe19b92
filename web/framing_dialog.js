// @ts-check
// Asks how a square, upright or very wide picture is to be shown, before it is sent.

import { byId } from "./dom.js";
import { keepFocusInside } from "./focus_ring.js";
import { canvasOf, drawFramed, framedSize, isUpright, needsFraming } from "./framing.js";
import { phrase } from "./texts/texts.js";

/** @import { Framing } from "./framing.js" */

const QUALITY = 0.93;

export class FramingDialog {
  #dialog = byId("framing", HTMLDialogElement);
  #form = byId("framing-form", HTMLFormElement);
  #preview = byId("framing-preview", HTMLCanvasElement);
  #part = byId("framing-part", HTMLInputElement);
  #whole = byId("framing-whole", HTMLInputElement);
  #at = byId("framing-at", HTMLInputElement);
  /** @type {ImageBitmap | null} */
  #picture = null;

  constructor() {
    keepFocusInside(this.#dialog);
    this.#form.addEventListener("input", () => this.#draw());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /**
   * @param {readonly File[]} files
   * @returns {Promise<File[]>} the files to send, without those that the person did not want after all
   */
  async frame(files) {
    /** @type {File[]} */
    const framed = [];
    for (const file of files) {
      const result = await this.#frameOne(file);
      if (result) framed.push(result);
    }
    return framed;
  }

  /** @param {File} file */
  async #frameOne(file) {
    const picture = await createImageBitmap(file).catch(() => null);
    // The server says what is wrong with what is no picture.
    if (!picture) return file;
    try {
      if (!needsFraming(picture)) return file;
      const framing = await this.#ask(file.name, picture);
      return framing && (await fileOf(picture, framing, file));
    } finally {
      picture.close();
    }
  }

  /**
   * @param {string} name
   * @param {ImageBitmap} picture
   * @returns {Promise<Framing | null>} null if it is not to be added
   */
  async #ask(name, picture) {
    this.#picture = picture;
    byId("framing-name", HTMLElement).textContent = name;
    byId("framing-at-label", HTMLElement).textContent = phrase(isUpright(picture) ? "framing.uprightPart" : "framing.widePart");
    this.#form.reset();
    this.#draw();
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    await new Promise((resolve) => this.#dialog.addEventListener("close", resolve, { once: true }));
    this.#picture = null;
    return this.#dialog.returnValue === "add" ? this.#framing : null;
  }

  /** @returns {Framing} */
  get #framing() {
    return this.#whole.checked ? { kind: "whole" } : { kind: "part", at: this.#at.valueAsNumber };
  }

  #draw() {
    this.#at.disabled = !this.#part.checked;
    if (this.#picture) drawFramed(this.#preview, this.#picture, this.#framing);
  }
}

/**
 * @param {ImageBitmap} picture
 * @param {Framing} framing
 * @param {File} file that the picture came from
 */
async function fileOf(picture, framing, { name }) {
  const canvas = canvasOf(framedSize(picture, framing));
  drawFramed(canvas, picture, framing);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!(blob instanceof Blob)) throw new Error("This browser could not write the picture.");
  return new File([blob], `${name.replace(/\.[^.]*$/, "")}.jpg`, { type: blob.type });
}
