// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { verdictText, worstFirst } from "../doctor_texts.js";
import { actionsOf, liveJob, pulledFraction } from "../model_state.js";
import { amountText, fitText, licenceFact, measuredFact, needsFact, paceFact, sizeFact, stateText, useFact } from "../model_texts.js";
import { job, known } from "./jobs.js";
import { model } from "./models.js";

/** @import { DoctorCheck } from "../doctor_rest.js" */
/** @import { LibraryModel } from "../models_rest.js" */

/**
 * @param {Partial<LibraryModel>} facts
 * @param {boolean} [isPulling]
 * @param {boolean} [isMeasured]
 */
const actions = (facts, isPulling = false, isMeasured = false) => actionsOf(model(facts), isPulling, isMeasured).join(" ");

test("what can be done with a model follows from where it is", () => {
  assert.equal(actions({ state: { kind: "absent" } }), "pull");
  assert.equal(actions({ state: { kind: "absent" } }, true), "cancel");
  assert.equal(actions({ state: { kind: "pulling" } }), "cancel");
  assert.equal(actions({ state: { kind: "partial" } }), "resume delete");
  assert.equal(actions({ state: { kind: "damaged" } }), "pullAgain delete");
  assert.equal(actions({ state: { kind: "ready" } }), "load benchmark delete");
  assert.equal(actions({ state: { kind: "loading" } }), "");
  assert.equal(actions({ state: { kind: "loaded" } }), "unload benchmark");
  assert.equal(actions({ state: { kind: "parked" } }), "load unload benchmark");
  assert.equal(actions({ state: { kind: "failed" } }), "load benchmark delete");
});

test("what is being measured can neither be measured again nor deleted", () => {
  assert.equal(actions({ state: { kind: "loaded" } }, false, true), "unload");
  assert.equal(actions({ state: { kind: "parked" } }, false, true), "load unload");
  assert.equal(actions({ state: { kind: "ready" } }, false, true), "load");
});

test("a model that does not fit can be loaded anyway", () => {
  const fit = { kind: /** @type {const} */ ("does_not_fit"), reason: "It needs 6 GB, and 4 GB are free." };
  assert.equal(actions({ fit }), "loadAnyway benchmark delete");
  assert.equal(fitText(model({ fit })), "Does not fit here. It needs 6 GB, and 4 GB are free.");
  assert.equal(fitText(model({ fit, state: { kind: "loaded" } })), "", "it is in memory, so it did fit");
});

test("what comes with the server is never deleted", () => {
  assert.equal(actions({ built_in: true, size_bytes: null }), "load benchmark");
  assert.equal(stateText(model({ built_in: true }), null), "Comes with Terrarium");
});

test("a folder of a person's own stays as it is", () => {
  assert.equal(actions({ in_place: true }), "load benchmark");
  assert.equal(stateText(model({ in_place: true }), null), "In a folder of yours");
});

test("what helps the server is pulled and deleted, and loads by itself", () => {
  const helper = { kind: /** @type {const} */ ("support"), pace: null, use: "checking pictures" };
  assert.equal(actions({ ...helper, state: { kind: "absent" } }), "pull");
  assert.equal(actions(helper), "delete");
  assert.equal(actions({ ...helper, state: { kind: "loaded" } }), "");
  assert.equal(paceFact(model(helper)), "");
  assert.equal(useFact(model(helper)), "checking pictures");
  assert.equal(useFact(model({ ...helper, use: null })), "nothing, by the settings");
});

test("the job of a model is the one that has not ended", () => {
  const jobs = known(
    job("1", { kind: "model", request: { model: "studio/meadow" }, state: "failed" }),
    job("2", { kind: "model", request: { model: "studio/lake" }, state: "running" }),
    job("3", { kind: "benchmark", request: { model: "studio/meadow" }, state: "running" }),
  );
  assert.equal(liveJob(jobs, "model", "studio/meadow"), null);
  assert.equal(liveJob(jobs, "model", "studio/lake")?.id, "2");
  assert.equal(liveJob(jobs, "benchmark", "studio/meadow")?.id, "3");
  assert.equal(liveJob(null, "model", "studio/lake"), null);
});

test("a pull tells its bytes, its files and how long it will take", () => {
  const amounts = { done_bytes: 1_000_000_000, total_bytes: 4_000_000_000, done_files: 2, total_files: 5 };
  const pull = job("1", { kind: "model", state: "running", stage: "pulling", amounts, fraction: 0.25, remaining_s: 130 });
  const pulling = model({ state: { kind: "absent" } });
  assert.equal(stateText(pulling, pull), "Pulling");
  assert.equal(amountText(pulling, pull), "1.0 GB of 4.0 GB, file 3 of 5, 25 %, about 2 min left");
  assert.equal(pulledFraction(pulling, pull), 0.25);
});

test("a pull that ended half way tells how far it came", () => {
  const partial = model({ state: { kind: "partial", done_bytes: 3_000_000_000, total_bytes: 4_000_000_000 } });
  assert.equal(amountText(partial, null), "3.0 GB of 4.0 GB");
  assert.equal(pulledFraction(partial, null), 0.75);
  assert.equal(pulledFraction(model({ state: { kind: "partial" } }), null), null);
});

test("facts are told in words", () => {
  assert.equal(needsFact(model()), "6.0 GB of the graphics card's memory, 2.0 GB of memory");
  assert.equal(needsFact(model({ needs: { ram_bytes: 0, vram_bytes: 0, disk_bytes: 0 } })), "next to nothing");
  assert.equal(needsFact(model({ needs: null })), "not known yet");
  assert.equal(sizeFact(model({ built_in: true, size_bytes: null })), "nothing to pull");
  const gated = { id: "studio/meadow", revision: "main", size_bytes: 1, licence: "other", gated: true };
  assert.match(licenceFact(model({ repositories: [gated] })), /to be accepted/);
});

test("how finely a world follows keys is told in words", () => {
  assert.equal(paceFact(model()), "60 frames/s in groups of 4: it looks at your keys 15 times a second");
  const fine = { frames_per_pass: 1, fps: 60, control_ms: 16.7 };
  assert.equal(paceFact(model({ pace: fine })), "60 frames/s, each follows your keys");
  assert.equal(paceFact(model({ pace: { frames_per_pass: 1, fps: 30, control_ms: 33 } })), "30 frames/s, each follows your keys");
});

test("what was measured is told, as far as it was", () => {
  assert.equal(measuredFact(model()), "");
  const measured = { fps: 28.3, vram_bytes: null, ram_bytes: 1_500_000_000 };
  assert.equal(measuredFact(model({ measured })), "28 frames/s here, took 1.5 GB of memory");
  assert.equal(measuredFact(model({ measured: { fps: 2.46, vram_bytes: 0, ram_bytes: null } })), "2.5 frames/s here");
});

/**
 * @param {string} id
 * @param {DoctorCheck["state"]} state
 * @returns {DoctorCheck}
 */
const check = (id, state) => ({ id, state, title: id, found: "", mend: null });

test("what needs mending comes first, and is counted", () => {
  const checks = [check("disk", "good"), check("ffmpeg", "warning"), check("driver", "bad"), check("torch", "bad")];
  assert.deepEqual(worstFirst(checks).map(({ id }) => id), ["driver", "torch", "ffmpeg", "disk"]);
  assert.match(verdictText({ ok: false, checks }), /^2 things will not run/);
  assert.match(verdictText({ ok: true, checks: checks.slice(0, 2) }), /^Everything runs. One thing could/);
  assert.equal(verdictText({ ok: true, checks: checks.slice(0, 1) }), "Everything is well.");
});
