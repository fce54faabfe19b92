// @ts-check
// A connection that a fleet sends on to one of its servers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection } from "../connection.js";

class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket[]} */
  static all = [];
  readyState = 0;
  bufferedAmount = 0;
  /** @type {any[]} */
  sent = [];
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: { data: string }) => void) | null} */
  onmessage = null;
  /** @type {((event: { code: number, reason: string }) => void) | null} */
  onclose = null;

  /**
   * @param {number} number counted from 0
   * @returns {FakeSocket} that was opened so
   */
  static at(number) {
    const socket = FakeSocket.all[number];
    if (!socket) throw new Error(`Only ${FakeSocket.all.length} sockets were opened.`);
    return socket;
  }

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** @param {object} message */
  say(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  fail() {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: "" });
  }
}

function connected(place = "/ws?a=1") {
  FakeSocket.all = [];
  Object.assign(globalThis, { WebSocket: FakeSocket, location: { protocol: "http:", host: "fleet:1" } });
  /** @type {any[]} */
  const heard = [];
  const connection = new Connection(
    {
      onOpen: () => heard.push("open"),
      onPush: (push) => heard.push(push.type),
      onFrame: () => heard.push("frame"),
      onClose: (close) => heard.push(close.wasOpen ? "lost" : "refused"),
    },
    "jpeg",
    place,
  );
  FakeSocket.at(0).open();
  return { connection, heard, door: FakeSocket.at(0) };
}

const moved = { type: "moved", address: "ws://north:2", ticket: "t/1" };

test("whoever is sent on sends again what they have sent, and is answered there", async () => {
  const { connection, heard, door } = connected();
  assert.equal(door.url, "ws://fleet:1/ws?a=1&follows=ws");
  const answer = connection.request({ type: "take_moment" });
  door.say({ type: "progress", req_id: "1", step: "waiting_for_place", in_line: 2 });
  door.say(moved);
  assert.equal(door.readyState, 3);
  assert.ok(connection.isOpen);
  connection.send({ type: "pause" });
  const there = FakeSocket.at(1);
  assert.equal(there.url, "ws://north:2/ws?a=1&ticket=t%2F1");
  there.open();
  assert.deepEqual(there.sent.map(({ type }) => type), ["take_moment", "pause"]);
  there.say({ type: "response", req_id: "1", success: true, data: { moment_id: "m" } });
  assert.deepEqual(await answer, { moment_id: "m" });
  assert.deepEqual(heard, ["open", "progress"]);
  there.fail();
  assert.deepEqual(heard, ["open", "progress", "lost"]);
});

test("whoever cannot reach their server is served by the address of the fleet", () => {
  const { connection, heard, door } = connected();
  connection.send({ type: "pause" });
  door.say(moved);
  FakeSocket.at(1).fail();
  const again = FakeSocket.at(2);
  assert.equal(again.url, "ws://fleet:1/ws?a=1&ticket=t%2F1"); // by which their place is theirs there, too
  again.open();
  assert.deepEqual(again.sent.map(({ type }) => type), ["pause"]);
  assert.deepEqual(heard, ["open"]);
});

test("whoever hears nothing of their server is served there, too", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { connection, heard, door } = connected();
  connection.send({ type: "pause" });
  door.say(moved);
  context.mock.timers.tick(3999);
  assert.equal(FakeSocket.all.length, 2);
  context.mock.timers.tick(1);
  assert.equal(FakeSocket.at(1).readyState, 3);
  const again = FakeSocket.at(2);
  assert.equal(again.url, "ws://fleet:1/ws?a=1&ticket=t%2F1");
  again.open();
  context.mock.timers.tick(60_000);
  assert.deepEqual(again.sent.map(({ type }) => type), ["pause"]);
  assert.deepEqual(heard, ["open"]);
  assert.equal(FakeSocket.all.length, 3);
});

test("a fleet that is gone altogether is told once", () => {
  const { heard, door } = connected();
  door.say(moved);
  FakeSocket.at(1).fail();
  FakeSocket.at(2).fail();
  assert.deepEqual(heard, ["open", "lost"]);
  assert.equal(FakeSocket.all.length, 3);
});

test("whoever leaves while they are sent on has left", () => {
  const { connection, heard, door } = connected();
  door.say(moved);
  connection.close();
  assert.equal(FakeSocket.at(1).readyState, 3);
  assert.equal(FakeSocket.at(1).onclose, null);
  assert.deepEqual(heard, ["open"]);
});
