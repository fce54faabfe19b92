// @ts-check
// What a failure leads to: which words, and whether the page tries again by itself.

import assert from "node:assert/strict";
import { test } from "node:test";

import { retryDelay } from "../backoff.js";
import { problemOfClose, problemOfError, textOfError } from "../problems.js";
import { StallWatch } from "../stall_watch.js";
import { phrase } from "../texts/texts.js";

/** @import { ErrorCode } from "../protocol.generated.d.ts" */

test("the finer code has the word, then the id, then the server", () => {
  const id = "app.server.error.initFailed";
  assert.equal(textOfError({ code: "seedUnsafe", id, message: "m" }), phrase("codes.seedUnsafe"));
  assert.equal(textOfError({ id, message: "m" }), phrase(`errors.${id}`));
  assert.equal(textOfError({ code: /** @type {ErrorCode} */ ("ofNextYear"), message: "m" }), "m");
  assert.notEqual(textOfError({}), "");
});

test("the server's own words stay as a detail", () => {
  const problem = problemOfError({ type: "error", code: "engineFailed", message: "Out of memory." });
  assert.equal(problem.detail, "Out of memory.");
  assert.equal(problem.recovery, "again");
});

test("only what can pass by itself is retried by itself", () => {
  const recovery = (/** @type {ErrorCode} */ code) => problemOfError({ type: "error", code }).recovery;
  assert.equal(recovery("serverBusy"), "queue");
  assert.equal(recovery("shuttingDown"), "reconnect");
  assert.equal(recovery("displaced"), "again", "two windows would take the place from each other for ever");
  assert.equal(recovery("seedUnsafe"), "choose");
  assert.equal(recovery("protocolVersionMismatch"), "reload");
  assert.equal(problemOfClose({ code: 1006, reason: "", wasOpen: true }).recovery, "reconnect");
});

test("who finds no place is told that the page tries again, and who is refused something else to do so themselves", () => {
  assert.equal(problemOfError({ type: "error", code: "serverBusy" }).text, phrase("problems.allBusy"));
  assert.equal(textOfError({ code: "serverBusy", message: "m" }), phrase("codes.serverBusy"));
});

test("delays grow, stay bounded, and are spread", () => {
  for (const [recovery, longest] of /** @type {const} */ ([["reconnect", 15_000], ["queue", 8000]])) {
    const delays = Array.from({ length: 10 }, (_, attempt) => retryDelay(recovery, attempt, () => 0.5));
    assert.deepEqual(delays, [...delays].sort((a, b) => a - b));
    assert.ok(delays.every((delay) => delay > 0));
    assert.equal(delays.at(-1), longest);
  }
  assert.ok(retryDelay("queue", 0, () => 0) < retryDelay("queue", 0, () => 1));
});

test("a silent connection is noticed, an idle one is not", () => {
  const watch = new StallWatch();
  assert.equal(watch.flow(1e9), "flowing");
  watch.controlSent(1000);
  watch.controlSent(3000);
  assert.equal(watch.flow(3500), "flowing");
  assert.equal(watch.flow(4500), "waiting");
  assert.equal(watch.flow(22_000), "lost");
  watch.clear();
  assert.equal(watch.flow(30_000), "flowing");
});
