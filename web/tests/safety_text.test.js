// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { safetyText } from "../safety_text.js";

/** @type {import("../rest.js").SafetyHealth} */
const CHECKED = { loaded: true, policy: "strict", reason: null, revision: "x@1" };

test("pictures that are checked need no words", () => {
  assert.equal(safetyText(CHECKED), "");
});

test("a check that is switched off is said, whatever else is so", () => {
  assert.match(safetyText({ ...CHECKED, policy: "off" }), /switched off/);
});

test("without a check the consequence is said before the reason", () => {
  assert.equal(
    safetyText({ ...CHECKED, loaded: false, reason: "Its file is damaged." }),
    "You cannot use your own pictures now. Its file is damaged.",
  );
});
