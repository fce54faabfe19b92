// @ts-check
// The form of the Studio: it shows a draft as far as its way of making needs it, and tells of changes.

import { byId, make } from "./dom.js";
import { costOf } from "./studio_cost.js";
import { EMPTY_DRAFT, faultOf, hasOwnSize, mayBeAsLongAsSource, middleOf, needsSource, whyNotFollowed } from "./studio_draft.js";
import { StudioLoras } from "./studio_loras.js";
import { StudioPictures } from "./studio_pictures.js";
import { SourceField } from "./studio_source_field.js";
import { cameraName, costText } from "./studio_texts.js";
import { knownPhrase, phrase } from "./texts/texts.js";

/** @import { SourceRef, VideoSpecs, WayName } from "./films_rest.js" */
/** @import { Draft } from "./studio_draft.js" */
/** @import { FootageShelf } from "./studio_footage.js" */
/** @import { PicturesListener } from "./studio_pictures.js" */

const OWN_SIZE = "own";
const AS_SOURCE = "";

/**
 * @typedef {object} FormListener
 * @property {PicturesListener["seeds"]} seeds
 * @property {PicturesListener["add"]} addPicture
 * @property {(draft: Draft) => void} onMake
 */

export class StudioForm {
  #shelf;
  #form = byId("studio-form", HTMLFormElement);
  #way = byId("studio-way", HTMLSelectElement);
  #prompt = byId("studio-prompt", HTMLTextAreaElement);
  #what = byId("studio-what", HTMLSelectElement);
  #side = byId("studio-side", HTMLSelectElement);
  #added = byId("studio-added", HTMLInputElement);
  #control = byId("studio-control", HTMLSelectElement);
  #size = byId("studio-size", HTMLSelectElement);
  #width = byId("studio-width", HTMLInputElement);
  #height = byId("studio-height", HTMLInputElement);
  #seconds = byId("studio-seconds", HTMLInputElement);
  #rate = byId("studio-rate", HTMLSelectElement);
  #lock = byId("studio-lock", HTMLInputElement);
  #seed = byId("studio-seed", HTMLInputElement);
  #camera = byId("studio-camera", HTMLSelectElement);
  #upscale = byId("studio-upscale", HTMLInputElement);
  #writes = byId("studio-write", HTMLInputElement);
  #negative = byId("studio-negative", HTMLTextAreaElement);
  #loras = new StudioLoras((loras) => this.#change({ loras }));
  #pictures;
  #source;
  #after;
  /** @type {Draft} */
  #draft = EMPTY_DRAFT;
  /** @type {VideoSpecs | null} */
  #specs = null;
  /** Whether width and height are typed, because no size with a name was chosen. */
  #isOwnSize = false;

  /**
   * @param {FootageShelf} shelf
   * @param {FormListener} listener
   */
  constructor(shelf, { seeds, addPicture, onMake }) {
    this.#shelf = shelf;
    this.#pictures = new StudioPictures({ seeds, add: addPicture, onPictures: (pictures) => this.#change({ pictures }) });
    this.#source = new SourceField(shelf, "studio-source", {
      onChosen: (source) => this.#choose(source),
      onPart: ({ startS, endS }) => this.#change({ startS, endS }),
    });
    this.#after = new SourceField(shelf, "studio-after", { onChosen: (after) => this.#change({ after }), onPart: () => {} });
    byId("studio-sources", HTMLElement).append(this.#source.element, this.#after.element);
    // Pictures, sources and LoRAs tell of their changes themselves.
    this.#form.addEventListener("input", ({ target }) => this.#fields.some((field) => field === target) && this.#read());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const fault = this.#fault;
      this.complain(fault);
      if (fault === null) onMake(this.#draft);
    });
    byId("studio-clear", HTMLElement).addEventListener("click", () => {
      this.show(EMPTY_DRAFT);
      this.focus();
    });
  }

  get #fields() {
    const shape = [this.#size, this.#width, this.#height, this.#seconds, this.#rate];
    const passage = [this.#what, this.#side, this.#added, this.#control];
    return [this.#way, this.#prompt, ...passage, ...shape, this.#lock, this.#seed, this.#camera, this.#upscale, this.#writes, this.#negative];
  }

  get draft() {
    return this.#draft;
  }

  get #fault() {
    return this.#specs && faultOf(this.#draft, this.#specs);
  }

  /** @param {VideoSpecs} specs */
  learn(specs) {
    const isFirst = this.#specs === null;
    this.#specs = specs;
    this.#showSpecs(specs);
    if (isFirst && this.#draft.width === null) this.#draft = this.#sized(this.#draft);
    this.#show();
  }

  /** @param {Draft} draft to go on with */
  show(draft) {
    this.#draft = this.#sized(draft);
    this.#isOwnSize = !this.#namedSize();
    this.complain(null);
    this.#write();
    this.#show();
  }

  /** Show what is known by now of films and other footage. */
  refresh() {
    this.#show();
  }

  focus() {
    this.#prompt.scrollIntoView({ block: "nearest" });
    this.#prompt.focus();
  }

  /** Let go of the videos that are shown. */
  release() {
    this.#source.release();
    this.#after.release();
  }

  /** @param {string | null} text */
  complain(text) {
    const fault = byId("studio-fault", HTMLElement);
    fault.textContent = text;
    fault.hidden = text === null;
    if (text !== null) fault.scrollIntoView({ block: "nearest" });
  }

  /** @param {readonly File[]} files that were dropped */
  async receive(files) {
    const pictures = files.filter(({ type }) => type.startsWith("image/"));
    const [footage] = files.filter(({ type }) => !type.startsWith("image/"));
    if (pictures.length > 0) {
      if (this.#draft.way !== "pictures") this.show({ ...this.#draft, way: "pictures" });
      await this.#pictures.send(pictures);
    }
    if (!footage) return;
    if (!needsSource(this.#draft.way)) this.show({ ...this.#draft, way: footage.type.startsWith("audio/") ? "sound" : "control" });
    await this.#source.send(footage);
  }

  /** @param {SourceRef | null} source */
  #choose(source) {
    this.#change({ source, ...middleOf(this.#shelf.find(source)?.seconds ?? 0) });
  }

  /** @param {Partial<Draft>} change */
  #change(change) {
    this.#draft = { ...this.#draft, ...change };
    this.complain(null);
    this.#show();
  }

  /** Take what the person has typed or chosen. */
  #read() {
    const way = /** @type {WayName} */ (this.#way.value);
    const size = this.#specs?.sizes.find(({ name }) => name === this.#size.value);
    this.#isOwnSize = this.#size.value === OWN_SIZE;
    const asSource = this.#size.value === AS_SOURCE && way === "control";
    const [width, height] = size ? [size.width, size.height] : asSource ? [null, null] : [numberOf(this.#width), numberOf(this.#height)];
    const before = this.#draft.way;
    this.#change({
      way,
      prompt: this.#prompt.value,
      negativePrompt: this.#negative.value,
      camera: this.#camera.value || null,
      seed: this.#lock.checked ? this.#seed.value : null,
      width,
      height,
      seconds: numberOf(this.#seconds) ?? (mayBeAsLongAsSource(way) ? null : this.#draft.seconds ?? EMPTY_DRAFT.seconds),
      fps: this.#rate.value === AS_SOURCE ? null : Number(this.#rate.value),
      isUpscaled: this.#upscale.checked,
      isWritten: this.#writes.checked,
      what: /** @type {Draft["what"]} */ (this.#what.value),
      side: /** @type {Draft["side"]} */ (this.#side.value),
      addedS: numberOf(this.#added) ?? 0,
      control: /** @type {Draft["control"]} */ (this.#control.value),
    });
    if (way !== before) this.show({ ...this.#draft, seconds: mayBeAsLongAsSource(way) ? null : (this.#draft.seconds ?? EMPTY_DRAFT.seconds) });
  }

  /** Put the draft into the fields that the person types in, which are not touched otherwise. */
  #write() {
    const draft = this.#draft;
    this.#way.value = draft.way;
    this.#prompt.value = draft.prompt;
    this.#negative.value = draft.negativePrompt;
    this.#camera.value = draft.camera ?? "";
    this.#lock.checked = draft.seed !== null;
    if (draft.seed !== null) this.#seed.value = draft.seed;
    this.#width.value = draft.width === null ? "" : String(draft.width);
    this.#height.value = draft.height === null ? "" : String(draft.height);
    this.#seconds.value = draft.seconds === null ? "" : String(draft.seconds);
    this.#rate.value = draft.fps === null ? AS_SOURCE : String(draft.fps);
    this.#upscale.checked = draft.isUpscaled;
    this.#writes.checked = draft.isWritten;
    this.#what.value = draft.what;
    this.#side.value = draft.side;
    this.#added.value = String(draft.addedS);
    this.#control.value = draft.control;
  }

  #show() {
    if (!this.#specs) return;
    const { way, source, after, startS, endS, pictures, loras, seed } = this.#draft;
    const whyNot = this.#specs.ways.find((one) => one.way === way)?.why_not ?? (way === "control" ? whyNotFollowed(this.#draft, this.#specs) : null);
    byId("studio-way-hint", HTMLElement).textContent = whyNot ?? phrase(`wayHints.${way}`);
    this.#source.element.hidden = !needsSource(way);
    this.#after.element.hidden = way !== "joining";
    if (needsSource(way)) this.#source.show(knownPhrase("sourceOfWays", way) ?? phrase("studio.film"), source, way === "retake" ? { startS, endS } : null, way === "sound");
    else this.#source.release();
    if (way === "joining") this.#after.show(phrase("studio.filmAfter"), after, null, false);
    else this.#after.release();
    byId("studio-pictures-part", HTMLElement).hidden = way !== "pictures";
    this.#pictures.show(pictures);
    this.#loras.show(loras);
    showField(this.#prompt, way !== "upscale");
    showField(this.#what, way === "retake");
    showField(this.#side, way === "extension");
    showField(this.#added, way === "extension" || way === "joining");
    showField(this.#control, way === "control");
    byId("studio-passage", HTMLElement).hidden = !["retake", "extension", "joining", "control"].includes(way);
    this.#showShape();
    showField(this.#seed, seed !== null);
    byId("studio-cost", HTMLElement).textContent = costText(
      costOf(this.#draft, this.#specs, this.#shelf.films, this.#shelf.find(source)),
    );
  }

  #showShape() {
    const { way, width, height } = this.#draft;
    byId("studio-shape", HTMLElement).hidden = !hasOwnSize(way);
    const asSource = [...this.#size.options].find(({ value }) => value === AS_SOURCE);
    if (asSource) asSource.hidden = asSource.disabled = way !== "control";
    const isAsSource = width === null && height === null && !this.#isOwnSize;
    this.#size.value = this.#isOwnSize ? OWN_SIZE : isAsSource ? AS_SOURCE : (this.#namedSize()?.name ?? OWN_SIZE);
    showField(this.#width, this.#isOwnSize);
    showField(this.#height, this.#isOwnSize);
    this.#seconds.placeholder = mayBeAsLongAsSource(way) ? phrase("studio.asLong") : "";
    this.#upscale.disabled = this.#specs?.why_no_upscale !== null;
  }

  /** The size of the draft, among those that have a name. */
  #namedSize() {
    const { width, height, way } = this.#draft;
    if (width === null && height === null && way === "control") return { name: AS_SOURCE };
    return this.#specs?.sizes.find((size) => size.width === width && size.height === height);
  }

  /**
   * @param {Draft} draft
   * @returns {Draft} with a size, where it needs one and has none
   */
  #sized(draft) {
    const first = this.#specs?.sizes[0];
    const isOpen = draft.width === null || draft.height === null;
    return isOpen && first && draft.way !== "control" ? { ...draft, width: first.width, height: first.height } : draft;
  }

  /** @param {VideoSpecs} specs */
  #showSpecs(specs) {
    const ways = specs.ways.map(({ way, why_not }) => make("option", { value: way, text: why_not ? phrase("studio.wayNotHere", { way: phrase(`ways.${way}`) }) : phrase(`ways.${way}`) }));
    const sizes = specs.sizes.map(({ name, width, height }) => make("option", { value: name, text: `${name}, ${width} × ${height}` }));
    const rates = specs.rates.map((rate) => make("option", { value: String(rate), text: Number(rate.toFixed(3)).toString() }));
    const cameras = specs.cameras.map(({ camera, by }) => make("option", { value: camera, text: cameraName(camera, by === "words") }));
    this.#way.replaceChildren(...ways);
    this.#size.replaceChildren(make("option", { value: AS_SOURCE, text: phrase("studio.asLarge") }), ...sizes, make("option", { value: OWN_SIZE, text: phrase("studio.anotherSize") }));
    this.#rate.replaceChildren(make("option", { value: AS_SOURCE, text: phrase("studio.asUsual") }), ...rates);
    this.#camera.replaceChildren(make("option", { value: "", text: phrase("studio.asModelLikes") }), ...cameras);
    this.#prompt.maxLength = specs.longest_prompt;
    for (const side of [this.#width, this.#height]) {
      side.min = String(specs.smallest_side);
      side.max = String(specs.largest_side);
      side.step = String(specs.side_step);
    }
    byId("studio-negative-field", HTMLElement).hidden = !specs.has_negative;
    this.#writes.disabled = specs.why_no_writing !== null;
    showHint("studio-upscale-hint", specs.why_no_upscale);
    showHint("studio-write-hint", specs.why_no_writing);
    this.#loras.learn(specs);
    this.#write();
  }
}

/**
 * @param {HTMLElement} control with a label around it
 * @param {boolean} isShown
 */
function showField(control, isShown) {
  const field = control.closest("label");
  if (field) field.hidden = !isShown;
}

/**
 * @param {string} id
 * @param {string | null} text
 */
function showHint(id, text) {
  const hint = byId(id, HTMLElement);
  hint.textContent = text;
  hint.hidden = text === null;
}

/**
 * @param {HTMLInputElement} input
 * @returns {number | null}
 */
function numberOf(input) {
  return Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : null;
}
