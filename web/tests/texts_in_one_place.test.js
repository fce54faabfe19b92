// @ts-check
// No text stands outside of the catalogue, and none in it is left over.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { EN } from "../texts/en/en.js";

/** @import { Forms } from "../texts/texts.js" */

const WEB = new URL("..", import.meta.url);
/** Names of things, in every language. */
const NAMES = new Set(["Terrarium", "Esc", "Authorization: Bearer"]);
const PAGES = ["index.html", "watch.html"];

/** @param {string} path */
const read = (path) => readFileSync(new URL(path, WEB), "utf8");

const scripts = ["", "controls/"].flatMap((folder) =>
  readdirSync(new URL(folder || ".", WEB)).filter((name) => name.endsWith(".js")).map((name) => folder + name),
);

const keys = Object.entries(EN).flatMap(([area, names]) => Object.keys(names).map((name) => `${area}.${name}`));

/** @param {string} html */
const keysOf = (html) => [...html.matchAll(/\sdata-(?:text|label|placeholder)="([^"]*)"/g)].map(([, key]) => key ?? "");

for (const page of PAGES) {
  test(`${page} has keys where a person reads something`, () => {
    const html = read(page).replace(/<noscript>.*?<\/noscript>/s, "");
    const texts = [...html.matchAll(/>([^<]*)</g)].map(([, text]) => (text ?? "").trim());
    assert.deepEqual(texts.filter((text) => /\p{L}{2}/u.test(text) && !NAMES.has(text)), []);
    assert.deepEqual(html.match(/\s(?:aria-label|placeholder|title|aria-description)="[^"]*"/g) ?? [], []);
    assert.deepEqual(html.match(/\salt="[^"]+"/g) ?? [], []);
    const wanted = keysOf(html);
    assert.ok(wanted.length > 3);
    assert.deepEqual(wanted.filter((key) => !keys.includes(key)), []);
  });
}

/**
 * @param {string} source
 * @returns {string[]} its strings, without comments, and without what is said to developers or goes into the log
 */
function stringsOf(source) {
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
  const spoken = code.replace(/(?:new (?:Envelope)?Error|#?log\.write|onLog|#useVideo|onCodec|#fail)\((?:[^()]|\([^()]*\))*\)/g, "");
  return [...spoken.matchAll(/(\w*:? ?)("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)/g)].map(([, before = "", string = ""]) => before + string);
}

/** Words as a sentence has them, or one word where a text belongs. @param {string} string */
function isText(string) {
  const [, before = "", text = ""] = /^(\w*:? ?)["`](.*)["`]$/s.exec(string) ?? [];
  if (/^(?:className|selector|type): $/.test(before)) return false;
  const words = text.replace(/\$\{[^}]*\}/g, "0").replace("Terrarium", "");
  if (/^(?:text|ariaLabel|title|placeholder|sureText|about): $/.test(before)) return /\p{L}{2}/u.test(words);
  return /^\p{Lu}\p{Ll}+[ ,]+\S|\p{Ll}{2,}[.?!…]$|\p{Ll}+, \p{Ll}+|\p{Ll} \p{Ll}+ \p{Ll}/u.test(words) && !/[[#<>=@]|^\.|is-|-/.test(words);
}

test("the check finds texts, and passes what is none", () => {
  const texts = ['"Too many."', "`Sent ${name}, ${n} left.`", 'text: "Go"', 'ariaLabel: `Delete ${name}`', '"it is next to it"'];
  assert.deepEqual(texts.filter((text) => !isText(text)), []);
  const others = ['"click"', 'className: "button is-quiet"', '"ArrowLeft"', '"button:not([hidden])"', '"menu.resume"', "`${x} ${y}`"];
  assert.deepEqual(others.filter(isText), []);
  assert.deepEqual(stringsOf('// "No."\nthrow new Error(`Not ${f("x")} here.`);\nsay("Yes."); /* "No." */'), ['"Yes."']);
});

for (const script of scripts) {
  test(`${script} has no text of its own`, () => {
    assert.deepEqual(stringsOf(read(script)).filter(isText), []);
  });
}

test("every text is used", () => {
  const used = [...PAGES, ...scripts].map(read).join("\n");
  const isUsed = (/** @type {string} */ key) => {
    const [area = ""] = key.split(".");
    return used.includes(`"${key}"`) || used.includes(`\`${area}.\${`) || used.includes(`Phrase("${area}", `);
  };
  const given = new Set(["entrance"]); // by their mode
  assert.deepEqual(keys.filter((key) => !isUsed(key) && !given.has(key.split(".")[0] ?? "")), []);
});

test("every text is written, and all forms of one have the same placeholders", () => {
  /** @type {[string, string | Forms][]} */
  const entries = Object.values(EN).flatMap((names) => Object.entries(names));
  for (const [name, entry] of entries) {
    const forms = typeof entry === "string" ? [entry] : Object.values(entry);
    for (const form of forms) assert.ok(form.trim() === form && form !== "", name);
    const placeholders = forms.map((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, one]) => one).filter((one) => one !== "count"));
    for (const one of placeholders) assert.deepEqual(one.toSorted(), placeholders[0]?.toSorted(), name);
  }
});
