// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { originOf, sessionConfig } from "../session.js";
import { asPlace, filmBegunText, longFacts, rewoundText, shortFacts } from "../world_texts.js";

/** @type {import("../worlds_rest.js").SavedWorld} */
const WORLD = {
  id: "00000000000000aa",
  title: "By the lake",
  origin: "saved",
  model: "terrarium/diorama",
  passes: 900,
  seconds: 61.5,
  size_bytes: 3_200_000,
  created_at: 1_700_000_000,
  file_url: "/api/worlds/00000000000000aa/file",
  thumbnail_url: "/api/worlds/00000000000000aa/thumbnail",
};

test("a saved world says how long it was played, and of what it is", () => {
  assert.equal(shortFacts(WORLD), "1:01 played, diorama");
  assert.match(longFacts(WORLD), /^By the lake, .*2023.*3\.2 MB$/);
});

test("a saved world is entered like a picture, by its id", () => {
  const place = asPlace(WORLD);
  assert.equal(place.title, "By the lake");
  assert.deepEqual(originOf(place), { world_id: WORLD.id });
  assert.deepEqual(originOf({ hash: "ab" }), { seed_hash: "ab" });
});

test("who asks for a film is told where it will be", () => {
  assert.equal(filmBegunText("By the lake"), "A film of By the lake is being made. You will find it under Jobs.");
});

test("a rewind says how far it went, and what is left", () => {
  assert.equal(rewoundText(5.07, 20.9), "Went back 5.1 s, 20 s more are available");
  assert.equal(rewoundText(30.4, 0.2), "Went back 30 s, as far as possible");
});

test("inputs are not logged unless somebody asks for it", () => {
  assert.equal(sessionConfig(true, false).action_logging, false);
});
