// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { PlaceAddress, placeIn } from "../place_address.js";
import { fileNameOf } from "../screenshot.js";

/** @import { Place } from "../place_address.js" */

const ADDRESS = "http://terrarium.test/?invite=x";
const LAKE = { seed_hash: "a".repeat(64) };
const HALL = { seed_hash: "b".repeat(64) };
const SAVED = { world_id: "0123456789abcdef" };

/** A browser's history, as far as the page uses it. */
class Browser extends EventTarget {
  #entries = [{ href: ADDRESS, state: /** @type {unknown} */ (null) }];
  #at = 0;

  /** @param {string} fragment that the page is opened with */
  constructor(fragment = "") {
    super();
    this.#entries = [{ href: ADDRESS + fragment, state: null }];
  }

  get location() {
    return /** @type {Location} */ (/** @type {unknown} */ (new URL(this.#entries[this.#at]?.href ?? "")));
  }

  get entries() {
    return this.#entries.map(({ href }) => new URL(href).hash);
  }

  get history() {
    const now = () => this.#entries[this.#at];
    return /** @type {History} */ (/** @type {unknown} */ ({
      get state() {
        return now()?.state;
      },
      pushState: (/** @type {unknown} */ state, /** @type {string} */ _, /** @type {string} */ to) => {
        this.#entries = [...this.#entries.slice(0, this.#at + 1), { href: new URL(to, this.location.href).href, state }];
        this.#at += 1;
      },
      replaceState: (/** @type {unknown} */ state, /** @type {string} */ _, /** @type {string} */ to) => {
        this.#entries[this.#at] = { href: new URL(to, this.location.href).href, state };
      },
      back: () => this.go(-1),
    }));
  }

  /** @param {number} steps */
  go(steps) {
    this.#at += steps;
    this.dispatchEvent(new Event("popstate"));
  }
}

/** @param {string} [fragment] */
function setUp(fragment) {
  const browser = new Browser(fragment);
  /** @type {(Place | "gallery")[]} */
  const went = [];
  const listener = { onPlace: (/** @type {Place} */ place) => void went.push(place), onGallery: () => void went.push("gallery") };
  const address = new PlaceAddress(/** @type {any} */ (browser), listener);
  return { browser, address, went };
}

test("a place has an address, and Back leads to the gallery", () => {
  const { browser, address, went } = setUp();
  assert.equal(address.place, null);
  address.enter(LAKE);
  assert.deepEqual(browser.entries, ["", `#seed=${LAKE.seed_hash}`]);
  assert.deepEqual(address.place, LAKE);
  browser.go(-1);
  assert.deepEqual(went, ["gallery"]);
  browser.go(1);
  assert.deepEqual(went, ["gallery", LAKE]);
});

test("another place takes the entry of the one before", () => {
  const { browser, address } = setUp();
  address.enter(LAKE);
  address.enter(SAVED);
  assert.deepEqual(browser.entries, ["", "#world=0123456789abcdef"]);
});

test("leaving goes back, so that the history has no dead entries", () => {
  const { browser, address } = setUp();
  address.enter(LAKE);
  address.leave();
  assert.equal(browser.location.hash, "");
  address.enter(HALL);
  assert.equal(browser.entries.length, 2);
});

test("whoever came by a link stays in the page when they leave the world", () => {
  const { browser, address } = setUp(`#seed=${LAKE.seed_hash}`);
  address.enter(LAKE);
  address.leave();
  assert.deepEqual(browser.entries, [""]);
  assert.equal(browser.location.search, "?invite=x");
});

test("a link leads to the place alone", () => {
  const { address } = setUp();
  assert.equal(address.linkTo(SAVED), "http://terrarium.test/#world=0123456789abcdef");
});

test("only what names a place is taken for one", () => {
  for (const fragment of ["", "#", "#seed=", "#seed=AA", `#seed=${"a".repeat(65)}`, "#world=", "#world=../x", "#other=1"]) {
    assert.equal(placeIn(fragment), null, fragment);
  }
});

test("a picture's file is named by place and time, as every system allows", () => {
  const moment = new Date(2026, 10, 7, 4, 3, 9);
  assert.equal(fileNameOf("Quiet hall", moment), "Quiet hall 2026-11-07 04.03.09.png");
  assert.equal(fileNameOf('..a/b\\c: "d"?\n', moment), "a b c d 2026-11-07 04.03.09.png");
  assert.equal(fileNameOf("/", moment), "Terrarium 2026-11-07 04.03.09.png");
  assert.ok(fileNameOf("x".repeat(500), moment).length < 100);
});
