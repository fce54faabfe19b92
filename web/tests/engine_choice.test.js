// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { EngineChoice } from "../engine_choice.js";

/** @param {string | null} [content] */
function storage(content = null) {
  return {
    content,
    getItem() {
      return this.content;
    },
    /**
     * @param {string} _key
     * @param {string} value
     */
    setItem(_key, value) {
      this.content = value;
    },
  };
}

test("an engine is remembered for its picture alone, and over a reload", () => {
  const kept = storage();
  const choice = new EngineChoice(() => kept);
  choice.choose("a", "one/engine");
  for (const reader of [choice, new EngineChoice(() => kept)]) {
    assert.equal(reader.of("a"), "one/engine");
    assert.equal(reader.of("b"), null);
  }
});

test("the server's choice can be taken again", () => {
  const kept = storage();
  const choice = new EngineChoice(() => kept);
  choice.choose("a", "one/engine");
  choice.choose("a", null);
  assert.equal(choice.of("a"), null);
  assert.equal(new EngineChoice(() => kept).of("a"), null);
});

test("the oldest choices give way", () => {
  const kept = storage();
  const choice = new EngineChoice(() => kept);
  for (let picture = 0; picture < 300; picture += 1) choice.choose(`${picture}`, "one/engine");
  choice.choose("299", "another/engine");
  assert.equal(choice.of("0"), null);
  assert.equal(choice.of("299"), "another/engine");
  assert.equal(JSON.parse(kept.content ?? "").length, 200);
});

test("what else is stored there counts as nothing", () => {
  for (const content of ["{", "null", "7", '{"a":"b"}', '[["a"],["b",1],["c","d","e"],"f"]']) {
    assert.equal(new EngineChoice(() => storage(content)).of("a"), null);
  }
  assert.equal(new EngineChoice(() => storage('[["a",1],["b","one/engine"]]')).of("b"), "one/engine");
});

test("where nothing can be stored the choice lasts as long as the page", () => {
  const choice = new EngineChoice(() => {
    throw new Error("blocked");
  });
  choice.choose("a", "one/engine");
  assert.equal(choice.of("a"), "one/engine");
});
