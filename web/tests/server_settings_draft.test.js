// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { isAtDefault, isOpenToChange, ServerSettingsDraft } from "../server_settings_draft.js";
import { answer, secret, setting } from "./server_settings.js";

/** @param {ReturnType<typeof setting>[]} settings */
function draftOf(...settings) {
  const draft = new ServerSettingsDraft();
  draft.learn(answer(...settings));
  return draft;
}

test("only what differs from the file is a change", () => {
  const draft = draftOf(setting("a"), setting("b"));
  draft.type("a", 9);
  draft.type("b", 8);
  assert.deepEqual(draft.changes, { a: 9 });
  draft.type("a", 8);
  assert.deepEqual([draft.changes, draft.size], [{}, 0]);
});

test("lists and choices between numbers are compared by what they say", () => {
  const draft = draftOf(
    setting("folders", { kind: "list", value: ["/a", "/b"] }),
    setting("steps", { kind: "choice", choices: ["1", "2"], value: 2, source: "file" }),
  );
  draft.type("folders", ["/a", "/b"]);
  draft.type("steps", "2");
  assert.deepEqual(draft.changes, {});
  draft.type("folders", ["/a, /b"]);
  draft.type("steps", "1");
  assert.deepEqual(draft.changes, { folders: ["/a, /b"], steps: "1" });
});

test("the default is a change only where the file says something else", () => {
  const draft = draftOf(setting("a"), setting("b", { value: 12, source: "file" }));
  draft.type("a", null);
  draft.type("b", null);
  assert.deepEqual(draft.changes, { b: null });
});

test("what waits for a restart is what is edited", () => {
  const port = setting("port", { value: 80, default: 80, isPending: true, pending: 81, applies: "restart" });
  const draft = draftOf(port);
  assert.equal(draft.valueOf(port), 81);
  draft.type("port", 81);
  assert.deepEqual(draft.changes, {});
  draft.type("port", 80);
  assert.deepEqual(draft.changes, { port: 80 });
  draft.type("port", null);
  assert.deepEqual(draft.changes, { port: null });
  const back = setting("port", { value: 81, default: 80, source: "file", isPending: true, pending: null });
  assert.deepEqual([draft.valueOf({ ...back, name: "other" }), isAtDefault(back)], [80, true]);
});

test("a secret that is typed is a change, whatever is set", () => {
  const draft = draftOf(secret("key", { isSet: true }), secret("other"));
  draft.type("key", "abc");
  draft.type("other", null);
  assert.deepEqual(draft.changes, { key: "abc" });
  draft.type("key", null);
  assert.deepEqual(draft.changes, { key: null });
});

test("what was typed outlives a change by somebody else, and is marked", () => {
  const draft = draftOf(setting("a"), setting("b"));
  draft.type("a", 9);
  draft.type("b", 9);
  draft.learn(answer(setting("a", { value: 10, source: "file" }), setting("b", { help: "reworded" })));
  assert.deepEqual(draft.changes, { a: 9, b: 9 });
  assert.deepEqual([draft.isOvertaken("a"), draft.isOvertaken("b")], [true, false]);
});

test("what somebody else has set to the same, fixed or taken away is no change any more", () => {
  const draft = draftOf(setting("a"), setting("b"), setting("c"));
  for (const name of ["a", "b", "c"]) draft.type(name, 9);
  draft.learn(answer(setting("a", { value: 9, source: "file" }), setting("b", { fixedBy: "--b" })));
  assert.deepEqual([draft.changes, draft.size], [{}, 0]);
});

test("what is no value stays in the field, and cannot be sent", () => {
  const draft = draftOf(setting("a"), setting("b"));
  draft.type("b", 9);
  draft.refuse("a", "Write a number.");
  assert.deepEqual([draft.changes, draft.size, draft.isReadable], [{ b: 9 }, 2, false]);
  assert.deepEqual([draft.firstFaulty, draft.faultOf("a")], ["a", "Write a number."]);
  draft.type("a", 10);
  assert.deepEqual([draft.isReadable, draft.firstFaulty], [true, null]);
});

test("a fault that the server finds stays until its setting is typed again", () => {
  const draft = draftOf(setting("a"), setting("b"));
  draft.type("b", 9);
  draft.blame({ a: "It needs b.", b: "Too many." });
  assert.deepEqual([draft.firstFaulty, draft.isReadable], ["a", true]);
  draft.type("b", 7);
  assert.deepEqual([draft.faultOf("a"), draft.faultOf("b")], ["It needs b.", null]);
  draft.clear();
  assert.deepEqual([draft.size, draft.firstFaulty], [0, null]);
});

test("what a flag or a variable fixes is not open to change", () => {
  assert.equal(isOpenToChange(setting("a")), true);
  assert.equal(isOpenToChange(setting("a", { fixedBy: "--a" })), false);
});
