// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { safetyText } from "../safety_text.js";

/** @type {import("../rest.js").SafetyHealth} */
const CHECKED = { loaded: true, policy: "when-available", reason: null, revision: "x@1", unjudged_pass: false };

test("pictures that are checked need no words", () => {
  assert.equal(safetyText(CHECKED), "");
  assert.equal(safetyText({ ...CHECKED, policy: "strict" }), "");
});

test("a check that is switched off is said, whatever else is so", () => {
  assert.match(safetyText({ ...CHECKED, policy: "off", unjudged_pass: true }), /switched off/);
});

test("without a check the consequence is said before the reason", () => {
  const missing = { ...CHECKED, loaded: false, reason: "It is not installed." };
  assert.equal(
    safetyText({ ...missing, unjudged_pass: true }),
    "Pictures are not checked. It is not installed.",
  );
  assert.equal(
    safetyText({ ...missing, policy: "strict" }),
    "You cannot use your own pictures now. It is not installed.",
  );
});
