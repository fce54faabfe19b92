// @ts-check
// The sound of a foot on the ground, made of noise: a dull thud, and the grit under the sole.

const LENGTH_S = 0.16;
const THUD = { hz: 190, volume: 0.55, fadeS: 0.05 };
const GRIT = { hz: 1500, volume: 0.07, fadeS: 0.11 };
// Feet differ, and so do steps.
const PAN = 0.16;
const SPREAD = 0.14;

export class StepSound {
  /** Browsers let a page sound only once the person has done something in it. @type {AudioContext | null} */
  #context = null;
  /** @type {AudioBuffer | null} */
  #noise = null;
  #side = 1;

  play() {
    const context = (this.#context ??= new AudioContext());
    if (context.state === "suspended") void context.resume();
    const noise = (this.#noise ??= whiteNoise(context));
    const pan = new StereoPannerNode(context, { pan: PAN * this.#side });
    pan.connect(context.destination);
    this.#side = -this.#side;
    for (const { hz, volume, fadeS } of [THUD, GRIT]) {
      const source = new AudioBufferSourceNode(context, { buffer: noise });
      const filter = new BiquadFilterNode(context, { type: "lowpass", frequency: varied(hz) });
      const gain = new GainNode(context, { gain: varied(volume) });
      gain.gain.setTargetAtTime(0, context.currentTime, fadeS / 3);
      source.connect(filter).connect(gain).connect(pan);
      source.start();
    }
  }
}

/** @param {number} value */
function varied(value) {
  return value * (1 + SPREAD * (2 * Math.random() - 1));
}

/** @param {AudioContext} context */
function whiteNoise(context) {
  const buffer = context.createBuffer(1, Math.ceil(LENGTH_S * context.sampleRate), context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let at = 0; at < samples.length; at += 1) samples[at] = 2 * Math.random() - 1;
  return buffer;
}
