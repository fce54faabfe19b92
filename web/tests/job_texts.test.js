// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { countText, endText, factsOfJob, faultText, filmText, kindText } from "../job_texts.js";
import { fractionText, percentText, progressText, stateText, titleOfJob, waitingText } from "../job_texts.js";
import { phrase } from "../texts/texts.js";
import { job } from "./jobs.js";

const FILM = job("f", { kind: "replay_film", request: { world_id: "w" } });

test("a film tells its step, and names its stages itself", () => {
  const film = job("a lake", { kind: "video", state: "running", stage: "writing", amounts: { step: 2, steps: 8 } });
  assert.equal(progressText(film), "Writing the file");
  assert.equal(fractionText({ ...film, fraction: 0.25 }), "step 3 of 8, 25 %");
  assert.equal(fractionText({ ...film, amounts: { step: 1, steps: 1 } }), "");
  assert.equal(stateText({ ...film, state: "done" }), "Done, it is in the Studio");
  const failed = { ...film, state: /** @type {const} */ ("failed"), fault: { code: /** @type {const} */ ("filmRefused"), message: "At most 5 s." } };
  assert.equal(stateText(failed), "At most 5 s.");
});

test("a job has the name of what it makes", () => {
  assert.equal(titleOfJob(job("fog")), "fog");
  assert.equal(titleOfJob(FILM), "A saved world");
  assert.equal(titleOfJob(FILM, "By the lake"), "By the lake");
  assert.equal(titleOfJob({ ...FILM, result: { title: "As it was" } }, "Renamed"), "As it was");
  assert.equal(titleOfJob(job("x", { kind: "training", request: {} })), "Training");
  assert.deepEqual([kindText(job("a")), kindText(FILM), kindText({ kind: "world_count" })], [
    "Scene",
    "Film of a world",
    "World count",
  ]);
});

test("a job says when it was asked for", () => {
  assert.match(factsOfJob(job("a"), 1_700_000_060), /^Scene, \d{1,2}.\d\d/);
  assert.match(factsOfJob(job("a"), 1_800_000_000), /^Scene, .*2023/);
  assert.match(factsOfJob(job("a", { attempt: 2 }), 1_700_000_060), /, attempt 2$/);
});

test("a job that waits says behind how many", () => {
  assert.deepEqual(
    [null, 0, 2].map((position) => waitingText(position)),
    ["Waiting", "Waiting, it is next", "Waiting, 2 before it"],
  );
});

test("a job says how long it will wait and take, where that is known", () => {
  assert.equal(progressText(job("a", { position: 1, waiting_s: 130 })), "Waiting, 1 before it, about 2 min");
  assert.equal(progressText(job("a", { position: 0, waiting_s: 0 })), "Waiting, it is next");
  assert.equal(fractionText(job("a", { fraction: 0.5, remaining_s: 20 })), "50 %, less than a minute left");
  assert.equal(fractionText(job("a", { fraction: 0.5 })), "50 %");
  assert.equal(fractionText(job("a", { remaining_s: 7000 })), "about 2 h left");
});

test("a job that has not ended says what it is busy with", () => {
  assert.equal(progressText(job("a", { position: 1 })), "Waiting, 1 before it");
  assert.equal(progressText(job("a", { state: "running", stage: "writing" })), phrase("progress.writing_prompt"));
  assert.equal(progressText(job("a", { state: "running", stage: "filming" })), "Playing the world again");
  assert.equal(progressText(job("a", { state: "running", stage: "counting_trees" })), "Counting trees");
  assert.equal(progressText(job("a", { state: "finishing", stage: "painting" })), "Almost done");
  assert.equal(progressText(job("a", { state: "running", cancelling: true })), "Being cancelled");
  assert.deepEqual([null, 0, 0.256, 1].map(percentText), ["", "", "25 %", "100 %"]);
});

test("a job that has ended says what became of it", () => {
  assert.equal(stateText(job("a", { state: "running" })), "Being made");
  assert.equal(stateText(job("a", { state: "done" })), "Done, it is in the gallery");
  assert.equal(stateText({ ...FILM, state: "done" }), "Done");
  assert.equal(stateText(job("a", { state: "cancelled" })), phrase("codes.cancelled"));
  const fault = { code: /** @type {const} */ ("serverRestarted"), message: "It stopped." };
  assert.equal(stateText(job("a", { state: "interrupted", fault })), phrase("codes.serverRestarted"));
});

test("a failure has the sentence that explains it best", () => {
  const refused = job("a", { fault: { code: "authoringSceneRefused", message: "It is a mouse." } });
  assert.equal(faultText(refused), "It is a mouse.");
  assert.equal(faultText({ ...FILM, fault: { code: "filmFailed", message: "The model is gone." } }), "The model is gone.");
  assert.equal(faultText({ ...FILM, fault: { code: "filmFailed", message: "" } }), phrase("codes.filmFailed"));
  assert.notEqual(faultText({ ...FILM, fault: null }), "");
});

test("a film says whether it shows what was played, where that can be told", () => {
  assert.equal(filmText({ is_exact: true, bytes: 2_000_000 }), "It shows exactly what was played, 2.0 MB");
  assert.equal(filmText({ is_exact: false }), "It may differ from what was played");
  assert.equal(filmText({ is_exact: null, bytes: 5_000 }), "5 KB");
});

test("screen readers hear how a job ended, and how many there are", () => {
  assert.equal(endText(job("a", { state: "done" }), "fog"), "Done: fog");
  assert.equal(endText(job("a", { state: "cancelled" }), "fog"), "Cancelled: fog");
  const failed = job("a", { state: "failed", fault: { code: "authoringSceneRefused", message: "No mice." } });
  assert.equal(endText(failed, "fog"), "Failed: fog. No mice.");
  assert.deepEqual([0, 2].map(countText), ["Jobs", "Jobs, 2 under way"]);
});
