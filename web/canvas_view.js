// @ts-check
// The canvas that fills the page. Fits frames of another aspect ratio into it.

// Up to this share of a frame is cropped to avoid bars. So a 4:3 tablet and a 21:9 screen are filled.
const LARGEST_CROP = 0.26;

export class CanvasView {
  #canvas;
  #context;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("This browser gives no 2D canvas.");
    this.#canvas = canvas;
    this.#context = context;
    window.addEventListener("resize", () => this.#fit());
    this.#fit();
  }

  /** @param {ImageBitmap | VideoFrame} picture */
  draw(picture) {
    const width = "displayWidth" in picture ? picture.displayWidth : picture.width;
    const height = "displayHeight" in picture ? picture.displayHeight : picture.height;
    if (width !== this.#canvas.width || height !== this.#canvas.height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#fit();
    }
    this.#context.drawImage(picture, 0, 0);
  }

  /**
   * A small copy of what is on the screen.
   *
   * @param {number} width
   * @returns {Promise<string>} an object URL, which the caller revokes
   */
  async thumbnail(width) {
    const small = document.createElement("canvas");
    small.width = width;
    small.height = Math.max(Math.round((width * this.#canvas.height) / this.#canvas.width), 1);
    small.getContext("2d")?.drawImage(this.#canvas, 0, 0, small.width, small.height);
    const blob = await new Promise((resolve) => small.toBlob(resolve, "image/jpeg", 0.8));
    return URL.createObjectURL(/** @type {Blob} */ (blob ?? new Blob()));
  }

  /**
   * What is on the screen, in the engine's own size.
   *
   * @returns {Promise<Blob>} a PNG
   */
  async picture() {
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/png"));
    if (!(blob instanceof Blob)) throw new Error("This browser could not write the picture.");
    return blob;
  }

  #fit() {
    const screen = window.innerWidth / Math.max(window.innerHeight, 1);
    const frame = this.#canvas.width / this.#canvas.height;
    const crop = 1 - Math.min(screen, frame) / Math.max(screen, frame);
    this.#canvas.classList.toggle("is-cropped", crop <= LARGEST_CROP);
  }
}
