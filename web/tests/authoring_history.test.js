// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { AuthoringHistory } from "../authoring_history.js";

/**
 * @param {string} prompt
 * @param {number} minute
 */
const edit = (prompt, minute = 0) => ({ prompt, moment: prompt, madeAt: new Date(0, 0, 1, 0, minute), before: "", after: "" });

/** @param {AuthoringHistory} history */
const prompts = ({ edits }) => edits.map(({ prompt }) => prompt);

test("undoing an edit takes back what came after it", () => {
  const history = new AuthoringHistory();
  const edits = ["fog", "rain", "night"].map((prompt) => edit(prompt));
  for (const made of edits) history.add(made);
  const rain = /** @type {typeof edits[number]} */ (edits[1]);
  assert.equal(history.last?.prompt, "night");
  assert.equal(history.laterThan(rain), 1);
  history.undone(rain);
  assert.deepEqual(prompts(history), ["fog"]);
});

test("what is not there cannot be undone, and another world has no history", () => {
  const history = new AuthoringHistory();
  history.add(edit("fog"));
  history.undone(edit("fog"));
  assert.equal(history.edits.length, 1);
  history.clear();
  assert.equal(history.last, null);
});

test("back at a moment, only what was changed before it is so", () => {
  const history = new AuthoringHistory();
  for (const made of [edit("fog", 1), edit("rain", 3), edit("night", 5)]) history.add(made);
  history.wentBackTo(new Date(0, 0, 1, 0, 4));
  assert.deepEqual(prompts(history), ["fog", "rain"]);
  history.wentBackTo(new Date(0, 0, 1, 0, 0));
  assert.deepEqual(prompts(history), []);
});
