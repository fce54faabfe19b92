// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { AuthoringHistory } from "../authoring_history.js";

/** @param {string} wish */
const edit = (wish) => ({ wish, moment: wish, before: "", after: "" });

test("undoing an edit takes back what came after it", () => {
  const history = new AuthoringHistory();
  const edits = ["fog", "rain", "night"].map(edit);
  for (const made of edits) history.add(made);
  assert.equal(history.last?.wish, "night");
  history.undone(/** @type {typeof edits[number]} */ (edits[1]));
  assert.deepEqual(history.edits.map(({ wish }) => wish), ["fog"]);
});

test("what is not there cannot be undone, and another world has no history", () => {
  const history = new AuthoringHistory();
  history.add(edit("fog"));
  history.undone(edit("fog"));
  assert.equal(history.edits.length, 1);
  history.clear();
  assert.equal(history.last, null);
});
