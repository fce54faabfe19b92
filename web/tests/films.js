// @ts-check
// Films and specs for tests.

/** @import { Film, VideoSpecs, WayName } from "../films_rest.js" */

/** @type {readonly WayName[]} */
const WAYS = ["words", "pictures", "sound", "retake", "extension", "joining", "control", "upscale"];

/**
 * @param {Partial<VideoSpecs>} [facts]
 * @returns {VideoSpecs}
 */
export function specs(facts = {}) {
  return {
    model: "studio/films",
    is_ready: true,
    is_loaded: false,
    why_not: null,
    why_waiting: null,
    sizes: [{ name: "540p", width: 960, height: 544, seconds: [20, 16] }],
    rates: [24, 30],
    ways: WAYS.map((way) => ({ way, why_not: null })),
    controls: [
      { control: "edges", why_not: null, takes_lora: true },
      { control: "pose", why_not: "Nothing here finds poses.", takes_lora: false },
    ],
    cameras: [{ camera: "static", by: "words" }],
    loras: [],
    why_no_loras: null,
    why_no_upscale: null,
    why_no_writing: null,
    steps: 8,
    has_negative: false,
    smallest_side: 64,
    largest_side: 3840,
    side_step: 32,
    longest_prompt: 4000,
    most_pictures: 2,
    most_loras: 4,
    strongest_lora: 4,
    sprite_tiles: 10,
    memory_bytes: 38_000_000_000,
    ...facts,
  };
}

/**
 * @param {Partial<Film>} [facts]
 * @returns {Film} that is made
 */
export function film(facts = {}) {
  return {
    id: "01M8FF2TC7KQW9GZBY74E7H979",
    state: "done",
    way: "words",
    prompt: "a lake",
    seed: 7,
    request: { way: { kind: "words" }, prompt: "a lake", seed: 7 },
    created_at: 1_700_000_000,
    model: "studio/films",
    width: 100,
    height: 100,
    frames: 10,
    fps: 24,
    seconds: 5,
    has_sound: true,
    size_bytes: 2_000_000,
    timings_s: { loading: 100, denoising: 8, decoding: 2 },
    content_url: "/film",
    thumbnail_url: "/thumbnail",
    sprite_url: "/sprite",
    ...facts,
  };
}
