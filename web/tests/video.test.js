// @ts-check
// H.264 in the page: which codec is asked for, and what becomes of pictures when a decoder fails.

import assert from "node:assert/strict";
import { test } from "node:test";

import { codecOf } from "../h264.js";
import { VideoChoice } from "../video_choice.js";
import { VideoPictures } from "../video_pictures.js";

/** @import { FrameHeader } from "../protocol.generated.d.ts" */
/** @import { WorkerLike } from "../video_pictures.js" */
/** @import { ToDecode } from "../video_worker.js" */

const LARGE = 150_000;

/**
 * @param {number} frame_id
 * @param {Partial<FrameHeader>} more
 * @returns {FrameHeader}
 */
function header(frame_id, more = {}) {
  return {
    frame_id,
    client_ts: 0,
    gen_ms: 16,
    temporal_compression: 1,
    vram_used_bytes: -1,
    gpu_util_percent: -1,
    quality: 85,
    epoch: 1,
    ...more,
  };
}

/**
 * @param {string} host
 * @param {boolean} isSupported
 */
async function choiceFor(host, isSupported = true) {
  const choice = new VideoChoice(host, Promise.resolve(isSupported));
  await choice.known();
  return choice;
}

/**
 * @param {VideoChoice} choice
 * @param {number} every the server sends each so many-th pass
 * @param {Partial<FrameHeader>} more
 */
function isAsked(choice, every, more = {}, frameBytes = LARGE) {
  for (let pass = 0; pass < 100; pass += 1) if (choice.arrived(header(pass * every, more), frameBytes)) return true;
  return false;
}

test("a link that loses many JPEGs gets H.264, and the next connection begins with it", async () => {
  const choice = await choiceFor("garden.example");
  assert.equal(choice.codec(false), "jpeg");
  assert.equal(isAsked(choice, 2), true);
  assert.equal(choice.codec(false), "h264");
});

test("so does one for which the server has lowered the quality", async () => {
  assert.equal(isAsked(await choiceFor("192.168.1.7"), 1, { quality: 55 }), true);
});

test("so does one that carries a single frame of each pass", async () => {
  assert.equal(isAsked(await choiceFor("garden.example"), 4, { temporal_compression: 4, quality: 45 }, 70_000), true);
});

test("JPEGs stay on a link that carries them, on this machine, and for small pictures", async () => {
  assert.equal(isAsked(await choiceFor("garden.example"), 1), false);
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) assert.equal(isAsked(await choiceFor(host), 3), false);
  assert.equal(isAsked(await choiceFor("garden.example"), 3, {}, 9_000), false);
});

test("a person may want H.264 on this machine too", async () => {
  assert.equal((await choiceFor("localhost")).codec(true), "h264");
});

test("a browser without a decoder, or one that has failed, is never asked", async () => {
  const without = await choiceFor("garden.example", false);
  assert.equal(isAsked(without, 3), false);
  assert.equal(without.codec(true), "jpeg");
  const failed = await choiceFor("garden.example");
  failed.failed();
  assert.equal(isAsked(failed, 3), false);
  assert.equal(failed.codec(true), "jpeg");
});

test("passes of another epoch are no loss", async () => {
  const choice = await choiceFor("garden.example");
  let isWanted = false;
  for (let epoch = 0; epoch < 100; epoch += 1) isWanted ||= choice.arrived(header(epoch * 50, { epoch }), LARGE);
  assert.equal(isWanted, false);
});

test("the profile is read from the sequence parameters", () => {
  const unit = new Uint8Array([0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1, 0x67, 0x64, 0x00, 0x1f, 0xac, 0, 0, 1, 0x65, 1]);
  assert.equal(codecOf(unit), "avc1.64001f");
  assert.equal(codecOf(new Uint8Array([0, 0, 0, 1, 0x41, 1, 2, 3, 4])), null);
  assert.equal(codecOf(new Uint8Array()), null);
});

class FakeWorker {
  /** @type {ToDecode[]} */
  asked = [];
  isTerminated = false;
  /** @type {WorkerLike["onmessage"]} */
  onmessage = null;
  /** @type {WorkerLike["onerror"]} */
  onerror = null;

  /** @param {ToDecode} message */
  postMessage(message) {
    this.asked.push(message);
  }

  terminate() {
    this.isTerminated = true;
  }

  /** @param {number} index of the unit */
  answer(index) {
    const frame = { isClosed: false, close: () => (frame.isClosed = true) };
    const number = this.asked[index]?.number ?? 0;
    this.onmessage?.({ data: { number, frame: /** @type {VideoFrame} */ (/** @type {unknown} */ (frame)) } });
    return frame;
  }
}

function pictures(patienceMs = 60_000) {
  /** @type {FakeWorker[]} */
  const workers = [];
  /** @type {string[]} */
  const failures = [];
  const make = () => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  };
  const video = new VideoPictures((reason) => failures.push(reason), make, patienceMs);
  return { video, workers, failures };
}

const UNIT = new Uint8Array([0, 0, 1, 0x65]);

test("pictures come back to their units, in one worker", async () => {
  const { video, workers } = pictures();
  const promises = [video.decode(UNIT, true), video.decode(UNIT, false)];
  const frames = [workers[0]?.answer(0), workers[0]?.answer(1)];
  assert.deepEqual(await Promise.all(promises), frames);
  assert.equal(workers.length, 1);
  video.restart();
});

test("a decoder that fails gives nothing any more, says so once, and leaves no promise open", async () => {
  const { video, workers, failures } = pictures();
  const promises = [video.decode(UNIT, true), video.decode(UNIT, false)];
  workers[0]?.onmessage?.({ data: { error: "Decoding error." } });
  workers[0]?.onmessage?.({ data: { error: "Decoding error." } });
  assert.deepEqual(await Promise.all([...promises, video.decode(UNIT, false)]), [null, null, null]);
  assert.deepEqual(failures, ["Decoding error."]);
  assert.equal(workers[0]?.isTerminated, true);
  assert.equal(workers.length, 1);
});

test("a decoder that says nothing has failed", async () => {
  const { video, failures } = pictures(1);
  assert.equal(await video.decode(UNIT, true), null);
  assert.deepEqual(failures, ["The decoder does not answer."]);
});

test("another connection gets another decoder, and a late picture is given back", async () => {
  const { video, workers } = pictures();
  const before = video.decode(UNIT, true);
  video.restart();
  assert.equal(await before, null);
  const late = workers[0]?.answer(0);
  assert.equal(late?.isClosed, true);
  const after = video.decode(UNIT, true);
  const frame = workers[1]?.answer(0);
  assert.equal(await after, frame);
  video.restart();
});

test("a browser that cannot start a worker has failed too", async () => {
  /** @type {string[]} */
  const failures = [];
  const video = new VideoPictures((reason) => failures.push(reason), () => {
    throw new Error("No workers here.");
  });
  assert.equal(await video.decode(UNIT, true), null);
  assert.equal(failures.length, 1);
});
