// @ts-check
// H.264 in the page: which codec is asked for, and what becomes of pictures when a decoder fails.

import assert from "node:assert/strict";
import { test } from "node:test";

import { codecOf } from "../h264.js";
import { VideoChoice } from "../video_choice.js";
import { VideoPictures } from "../video_pictures.js";

/** @import { FrameHeader } from "../protocol.generated.d.ts" */
/** @import { DecoderFault, WorkerLike } from "../video_pictures.js" */
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
 * A choice, and what it has asked for since. What was asked for is in `changes`.
 *
 * @param {string} host
 */
async function choiceFor(host, { isSupported = true, isAlways = false, restMs = 60_000 } = {}) {
  /** @type {string[]} */
  const changes = [];
  const change = (/** @type {string} */ codec) => void changes.push(codec);
  const choice = new VideoChoice(host, Promise.resolve(isSupported), () => isAlways, change, restMs);
  await choice.known();
  return { choice, changes };
}

/**
 * What is asked for when a hundred passes have come.
 *
 * @param {Awaited<ReturnType<typeof choiceFor>>} chosen
 * @param {number} every the server sends each so many-th pass
 * @param {Partial<FrameHeader>} more
 */
function asked({ choice, changes }, every, more = {}, frameBytes = LARGE) {
  for (let pass = 0; pass < 100; pass += 1) choice.arrived(header(pass * every, more), frameBytes);
  return changes;
}

test("a link that loses many JPEGs gets H.264, and the next connection begins with it", async () => {
  const chosen = await choiceFor("garden.example");
  assert.equal(chosen.choice.codec(), "jpeg");
  assert.deepEqual(asked(chosen, 2), ["h264"]);
  assert.equal(chosen.choice.codec(), "h264");
});

test("so does one for which the server has lowered the quality", async () => {
  assert.deepEqual(asked(await choiceFor("192.168.1.7"), 1, { quality: 55 }), ["h264"]);
});

test("so does one that carries a single frame of each pass", async () => {
  const lean = { temporal_compression: 4, quality: 45 };
  assert.deepEqual(asked(await choiceFor("garden.example"), 4, lean, 70_000), ["h264"]);
});

test("JPEGs stay on a link that carries them, on this machine, and for small pictures", async () => {
  assert.deepEqual(asked(await choiceFor("garden.example"), 1), []);
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) assert.deepEqual(asked(await choiceFor(host), 3), []);
  assert.deepEqual(asked(await choiceFor("garden.example"), 3, {}, 9_000), []);
});

test("a person may want H.264 on this machine too", async () => {
  assert.equal((await choiceFor("localhost", { isAlways: true })).choice.codec(), "h264");
});

test("a browser without a decoder is never asked", async () => {
  const without = await choiceFor("garden.example", { isSupported: false, isAlways: true });
  assert.deepEqual(asked(without, 3), []);
  assert.equal(without.choice.codec(), "jpeg");
});

test("a decoder that has reported an error gives way to JPEGs for good", async () => {
  const failed = await choiceFor("garden.example", { isAlways: true, restMs: 1 });
  failed.choice.failed({ isSilence: false, reason: "Decoding error." });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(asked(failed, 3), ["jpeg"]);
  assert.equal(failed.choice.codec(), "jpeg");
});

test("an error after a silence is for good as well", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { choice, changes } = await choiceFor("garden.example", { isAlways: true, restMs: 1000 });
  choice.failed({ isSilence: true, reason: "The decoder does not answer." });
  choice.failed({ isSilence: false, reason: "Decoding error." });
  context.mock.timers.tick(5000);
  assert.deepEqual(changes, ["jpeg", "jpeg"]);
});

test("who wants H.264 and is given JPEGs does not ask for it again and again", async () => {
  assert.deepEqual(asked(await choiceFor("garden.example", { isAlways: true }), 1), []);
});

test("a decoder that was silent gives way to JPEGs, and is tried again after ever longer times", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { choice, changes } = await choiceFor("garden.example", { isAlways: true, restMs: 1000 });
  const silence = { isSilence: true, reason: "The decoder does not answer." };
  choice.failed(silence);
  assert.equal(choice.codec(), "jpeg");
  context.mock.timers.tick(999);
  assert.deepEqual(changes, ["jpeg"]);
  context.mock.timers.tick(1);
  assert.deepEqual(changes, ["jpeg", "h264"]);
  choice.failed(silence);
  context.mock.timers.tick(1999);
  assert.deepEqual(changes, ["jpeg", "h264", "jpeg"]);
  context.mock.timers.tick(1);
  assert.equal(choice.codec(), "h264");
});

test("passes of another epoch are no loss", async () => {
  const { choice, changes } = await choiceFor("garden.example");
  for (let epoch = 0; epoch < 100; epoch += 1) choice.arrived(header(epoch * 50, { epoch }), LARGE);
  assert.deepEqual(changes, []);
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
  /** @type {DecoderFault[]} */
  const failures = [];
  const make = () => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  };
  const video = new VideoPictures((fault) => failures.push(fault), make, patienceMs);
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
  assert.deepEqual(failures, [{ isSilence: false, reason: "Decoding error." }]);
  assert.equal(workers[0]?.isTerminated, true);
  assert.equal(workers.length, 1);
});

test("a decoder that says nothing has failed, and the next key frame gets another one", async () => {
  const { video, workers, failures } = pictures(1);
  assert.equal(await video.decode(UNIT, true), null);
  assert.deepEqual(failures, [{ isSilence: true, reason: "The decoder does not answer." }]);
  assert.equal(await video.decode(UNIT, false), null);
  const again = video.decode(UNIT, true);
  workers[0]?.onmessage?.({ data: { error: "Too late." } });
  const frame = workers[1]?.answer(0);
  assert.equal(await again, frame);
  assert.equal(failures.length, 1);
  video.restart();
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
  /** @type {DecoderFault[]} */
  const failures = [];
  const video = new VideoPictures((fault) => failures.push(fault), () => {
    throw new Error("No workers here.");
  });
  assert.equal(await video.decode(UNIT, true), null);
  assert.equal(failures.length, 1);
});
