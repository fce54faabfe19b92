// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { captionOf, failureText, obstacleOf, shortened, stepFraction } from "../authoring_texts.js";
import { textOfFailure, undoText } from "../authoring_texts.js";
import { RequestError } from "../connection.js";
import { RestError } from "../rest.js";
import { phrase } from "../texts/texts.js";

test("nothing done yet is not zero per cent: a model may be loading", () => {
  assert.deepEqual([0, null, undefined, 0.25, 1].map(stepFraction), [null, null, null, 0.25, 1]);
});

test("a refusal has the words of whoever refused, other failures have those of the page", () => {
  const reason = "That is a named character.";
  assert.equal(failureText({ code: "authoringEditRefused", message: reason }), reason);
  assert.equal(failureText({ code: "seedCheckFailed", message: reason }), reason);
  assert.equal(failureText({ code: "authoringFailed", message: "" }), phrase("codes.authoringFailed"));
  assert.equal(failureText({ code: "cancelled", message: "The scene was given up." }), phrase("codes.cancelled"));
  assert.equal(
    failureText({ id: "app.server.error.initFailed", message: reason }),
    phrase("errors.app.server.error.initFailed"),
  );
});

test("failures of both ways to the server have words, mistakes of the page have none", () => {
  assert.equal(textOfFailure(new RequestError("It is a mouse.", undefined, "authoringEditRefused")), "It is a mouse.");
  assert.equal(textOfFailure(new RestError("The server does not answer.", 0, null)), "The server does not answer.");
  assert.throws(() => textOfFailure(new TypeError("x is undefined")), TypeError);
});

test("what is missing is said in the server's words, and nothing where nothing is", () => {
  assert.equal(obstacleOf(undefined), null);
  assert.equal(obstacleOf({ available: true, reason: null }), null);
  assert.equal(obstacleOf({ available: false, reason: "It needs a GPU." }), "It needs a GPU.");
  assert.equal(obstacleOf({ available: false, reason: null }), phrase("codes.authoringUnavailable"));
});

test("undo says what goes with it", () => {
  assert.equal(undoText(0), "Undo");
  assert.equal(undoText(2), "Undo this and 2 later");
});

test("a generated scene is told from a picture", () => {
  assert.equal(captionOf({ description: "A hill.", prompt: null }), "A hill.");
  assert.equal(captionOf({ description: "A hill." }), "A hill.");
  assert.notEqual(captionOf({ description: "", prompt: "a hill" }), "");
});

test("a long prompt is cut between letters, not within", () => {
  assert.equal(shortened("a hill"), "a hill");
  const cut = shortened("🐉".repeat(60));
  assert.equal([...cut].length, 48);
  assert.ok(cut.endsWith("🐉…"));
});
