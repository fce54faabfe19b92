// @ts-check
// Where the page's words come from: by key, in the person's language, with forms for what is counted.

import assert from "node:assert/strict";
import { test } from "node:test";

import { formOf, knownPhrase, localeFor, namesIn, phrase } from "../texts/texts.js";

test("the first language that the page speaks counts, with its country", () => {
  assert.equal(localeFor(["fr-CA", "de-AT", "en-GB", "de"], ["en", "de"]), "de-AT");
  assert.equal(localeFor(["EN-gb"], ["en"]), "EN-gb");
  assert.equal(localeFor(["english", "fr"], ["en"]), "en", "English where nothing fits");
  assert.equal(localeFor([], ["en", "de"]), "en");
});

test("placeholders take their values, whatever these contain", () => {
  assert.equal(phrase("engines.title", { title: "{count} $& \\1" }), "Play “{count} $& \\1” in");
  assert.equal(phrase("overlay.skippedWhere", { here: 0, server: 3 }), "0 here, 3 by server");
  assert.equal(phrase("framing.why"), "Worlds are wide, and {name} has another shape.");
});

test("what is counted has its form", () => {
  assert.deepEqual([0, 1, 2].map((count) => phrase("spans.day", { count })), ["0 days", "1 day", "2 days"]);
  const forms = { one: "{count} plik", few: "{count} pliki", many: "{count} plików", other: "{count} pliku" };
  const polish = new Intl.PluralRules("pl");
  assert.deepEqual([1, 3, 5, 22, 1.5].map((count) => formOf(forms, { count }, polish)), [
    forms.one, forms.few, forms.many, forms.few, forms.other,
  ]);
});

test("a name that only a newer server has is known to be unknown", () => {
  assert.equal(knownPhrase("codes", "serverBusy"), phrase("codes.serverBusy"));
  for (const name of ["notThoughtOfYet", "toString", ""]) assert.equal(knownPhrase("codes", name), undefined);
  assert.ok(namesIn("feedbackTags").includes("blurry"));
});
