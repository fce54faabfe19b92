// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { appliesText, asSentence, boundsText, defaultText, faultText, foundText } from "../server_settings_texts.js";
import { isFound, pendingNames, pendingText, refusedText, sourceText, titleOfSetting } from "../server_settings_texts.js";
import { unsavedText, valueText, waitingText } from "../server_settings_texts.js";
import { answer, secret, setting } from "./server_settings.js";

test("a setting has its name in words, without the unit beside its field", () => {
  const titles = [
    setting("max_sessions"),
    setting("max_upload_mib", { unit: "MiB" }),
    setting("small_jpeg_quality"),
    setting("recordings_dir"),
    setting("moss_s"),
  ].map(titleOfSetting);
  assert.deepEqual(titles, ["Max sessions", "Max upload", "Small JPEG quality", "Recordings folder", "Moss s"]);
});

test("the phrases of the server become sentences", () => {
  assert.equal(asSentence("sessions at a time"), "Sessions at a time.");
  assert.equal(asSentence("Is it?"), "Is it?");
});

test("values are said in words", () => {
  assert.deepEqual([true, false, null, "", [], ["a", "b"], "x"].map((value) => valueText(value, null)), [
    "on", "off", "none", "none", "none", "a, b", "x",
  ]);
  assert.equal(valueText(64, "MiB"), "64 MiB");
  assert.equal(defaultText(setting("a", { default: null, defaultInWords: "one for each core" })), "one for each core");
  assert.equal(defaultText(setting("a")), "8");
});

test("bounds are said as far as there are any", () => {
  assert.equal(boundsText(setting("a", { least: 1, most: 9 })), "1 to 9");
  assert.equal(boundsText(setting("a", { least: 0 })), "at least 0");
  assert.equal(boundsText(setting("a", { most: 9 })), "at most 9");
  assert.equal(boundsText(setting("a")), "");
});

test("a value says where it comes from", () => {
  assert.equal(sourceText(setting("a")), "Default");
  assert.equal(sourceText(setting("a", { source: "file" })), "From the settings file, default: 8");
  assert.equal(sourceText(setting("a", { source: "flag", fixedBy: "--a" })), "Fixed by --a, default: 8");
  assert.equal(sourceText(setting("a", { fixedBy: "--a" })), "Default, given by --a at the start only");
  assert.equal(sourceText(secret("key", { isSet: true, source: "variable", fixedBy: "TERRARIUM_KEY" })), "Set, fixed by TERRARIUM_KEY");
  assert.equal(sourceText(secret("key")), "Not set");
});

test("a setting says when it applies, and why not at once", () => {
  assert.equal(appliesText(setting("a")), "Takes effect at once");
  const restart = setting("port", { applies: "restart", restartReason: "the socket is bound at the start" });
  assert.equal(appliesText(restart), "Takes effect after a restart: the socket is bound at the start");
});

test("what waits for a restart is counted and named", () => {
  const port = setting("port", { value: 80, isPending: true, pending: 81 });
  assert.equal(pendingText(port), "In use until the restart: 80. Then: 81.");
  assert.equal(pendingText({ ...port, pending: null }), "In use until the restart: 80. Then: 8.");
  assert.deepEqual(pendingNames(answer(port, setting("a"))), ["Port"]);
  assert.equal(waitingText([]), "");
  assert.equal(waitingText(["Port"]), "1 change waits for a restart: Port.");
  assert.equal(waitingText(["Port", "Host"]), "2 changes wait for a restart: Port, Host.");
  assert.deepEqual([0, 1, 2].map(unsavedText), ["Everything is saved", "1 change is not saved", "2 changes are not saved"]);
});

test("a fault says where it is, and what goes on", () => {
  const known = faultText({ file: "/data/settings.toml", line: 7, reason: "jpeg_quality is not a number." });
  assert.equal(known, "/data/settings.toml, line 7: jpeg_quality is not a number. The server goes on with the last good settings.");
  assert.match(faultText({ file: "settings.toml", line: null, reason: "it is gone" }), /^settings.toml: it is gone\. /);
});

test("a search finds words of title, name, text and group, in any order", () => {
  const found = (/** @type {string} */ search) => isFound(setting("max_sessions"), "play", search);
  assert.deepEqual(["", "OPEN sessions", "max_sessions", "play", "jpeg"].map(found), [true, true, true, true, false]);
  assert.equal(refusedText(1), "Nothing was saved: one setting cannot be so.");
  assert.equal(refusedText(3), "Nothing was saved: 3 settings cannot be so.");
  assert.deepEqual([0, 1, 2].map(foundText), ["No setting has these words.", "1 setting", "2 settings"]);
});
