// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { agoText, deviceText, expiryText, invitationLink, invitationText } from "../account_texts.js";
import { isLocalAddress, personText, sessionText, tokenText } from "../account_texts.js";

const NOW = Date.UTC(2026, 10, 27, 12);
/** @param {number} minutes */
const before = (minutes) => (NOW - minutes * 60_000) / 1000;
/** @param {number} minutes */
const after = (minutes) => before(-minutes);

test("a browser is known by its name and system", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
  const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1";
  const edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0 Safari/537.36 Edg/130.0";
  const names = [chrome, `${chrome.replace("X11; Linux", "Linux; Android 14")}`, phone, edge, "curl/8.0", ""].map(deviceText);
  const expected = ["Chrome on Linux", "Chrome on Android", "Safari on iOS", "Edge on Windows", "curl/8.0", "An unknown device"];
  assert.deepEqual(names, expected);
});

test("times are said from now on", () => {
  const texts = [0, 1, 59, 61, 23 * 60].map((minutes) => agoText(before(minutes), NOW));
  assert.deepEqual(texts, ["just now", "1 minute ago", "59 minutes ago", "1 hour ago", "23 hours ago"]);
  assert.match(agoText(before(60 * 24 * 3), NOW), /^on .*2026/);
  assert.deepEqual([after(5), after(60 * 24 * 7), before(1), null].map((instant) => expiryText(instant, NOW)), [
    "expires in 5 minutes", "expires in 7 days", "has expired", "does not expire",
  ]);
});

test("sessions, tokens, people and invitations say what is known of them", () => {
  const session = { id: "s", created: before(5), lastSeen: before(2), agent: "", current: false };
  assert.equal(sessionText(session, NOW), "Signed in 5 minutes ago, seen 2 minutes ago");
  assert.equal(sessionText({ ...session, current: true }, NOW), "Signed in 5 minutes ago, this browser");
  const token = { id: "t", name: "robot", scopes: /** @type {("read" | "play")[]} */ (["read", "play"]), created: before(5) };
  assert.equal(tokenText({ ...token, expires: null, lastUsed: null }, NOW), "May read, play; does not expire; never used");
  const used = tokenText({ ...token, expires: after(60), lastUsed: before(5) }, NOW);
  assert.equal(used, "May read, play; expires in 1 hour; used 5 minutes ago");
  const person = { id: "p", name: "Anna", role: /** @type {const} */ ("player"), disabled: true, created: before(5), lastSeen: null };
  assert.equal(personText(person, false, NOW), "cannot sign in, joined 5 minutes ago");
  assert.equal(personText({ ...person, disabled: false, lastSeen: before(1) }, true, NOW), "This is you, seen 1 minute ago");
  const invitation = { id: "i", role: /** @type {const} */ ("viewer"), created: before(5), expires: after(60) };
  assert.equal(invitationText(invitation, NOW), "Made 5 minutes ago, expires in 1 hour");
});

test("an invitation is a link to the page under the address in use", () => {
  assert.equal(invitationLink("http://box:7987/?x=1#y", "a+b"), "http://box:7987/?invite=a%2Bb");
  const local = ["http://127.0.0.1:7987/", "http://localhost/", "http://[::1]:1/", "http://127.example.com/", "http://box/"];
  assert.deepEqual(local.map(isLocalAddress), [true, true, true, false, false]);
});
