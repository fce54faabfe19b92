// @ts-check
// What the player reads of those who watch.

import assert from "node:assert/strict";
import { test } from "node:test";

import { guestState } from "../watch_texts.js";

test("a guest watches, asks for the controls, or has them", () => {
  const sharing = { watchers: 3, guests: [1, 2, 3], asking: 2, guest: 3 };
  assert.deepEqual(
    sharing.guests.map((guest) => guestState(guest, sharing)),
    ["Watches", "Asks for the controls", "Plays"],
  );
});
