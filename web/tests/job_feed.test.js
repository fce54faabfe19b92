// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { JobFeed } from "../job_feed.js";
import { RestError } from "../rest.js";
import { job, states } from "./jobs.js";

/** @import { EventStream } from "../job_feed.js" */
/** @import { Job } from "../jobs_rest.js" */

/** @implements {EventStream} */
class Stream extends EventTarget {
  isOpen = true;

  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
  }

  close() {
    this.isOpen = false;
  }

  /**
   * @param {string} event
   * @param {Record<string, unknown>} data
   */
  async send(event, data) {
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
    await setImmediate();
  }

  async cut() {
    this.dispatchEvent(new Event("error"));
    await setImmediate();
  }
}

/** A server whose jobs the test decides, and a clock that the test turns. */
class Server {
  /** @type {Job[]} newest first */
  jobs = [];
  newest = 0;
  isUp = true;
  lists = 0;
  /** @type {Stream[]} */
  streams = [];
  /** @type {{ work: () => void, attempt: number }[]} */
  waiting = [];

  /**
   * @param {number} limit
   * @param {string | null} [before]
   */
  async list(limit, before = null) {
    this.lists += 1;
    if (!this.isUp) throw new RestError("The server does not answer.", 0, null);
    const listed = this.jobs.filter(({ id }) => before === null || id < before).slice(0, limit);
    return { jobs: listed, newest_event: this.newest };
  }

  /** @param {string} id */
  async find(id) {
    const found = this.jobs.find((one) => one.id === id);
    if (!found) throw new RestError("There is no such job.", 404, "jobUnknown");
    return found;
  }

  /** @param {string} url */
  open(url) {
    const stream = new Stream(url);
    this.streams.push(stream);
    return stream;
  }

  /**
   * @param {() => void} work
   * @param {number} attempt
   */
  later(work, attempt) {
    return this.waiting.push({ work, attempt });
  }

  get stream() {
    return /** @type {Stream} */ (this.streams.at(-1));
  }

  /** @returns {Promise<number | undefined>} the attempt that was waited for */
  async waitOut() {
    const next = this.waiting.shift();
    next?.work();
    await setImmediate();
    return next?.attempt;
  }
}

/** @param {Server} server */
async function followed(server) {
  const feed = new JobFeed(server);
  feed.follow("gallery", true);
  await setImmediate();
  return feed;
}

test("jobs are listed once, then followed from where the list ends", async () => {
  const server = new Server();
  server.jobs = [job("a")];
  server.newest = 7;
  const feed = await followed(server);
  assert.equal(server.stream.url, "/api/events?after=7");
  await server.stream.send("state", { job: "a", at: 1, state: "running", attempt: 1 });
  await server.stream.send("progress", { job: "a", stage: "painting", fraction: 0.5, position: null });
  assert.equal(feed.jobs?.get("a")?.fraction, 0.5);
  assert.deepEqual([server.lists, server.streams.length], [1, 1]);
});

test("what others begin is asked for, and what is gone by then is no mistake", async () => {
  const server = new Server();
  const feed = await followed(server);
  server.jobs = [job("b", { state: "running" })];
  void server.stream.send("state", { job: "b", at: 1, state: "queued", attempt: 1 });
  void server.stream.send("stage", { job: "b", stage: "painting" });
  await server.stream.send("state", { job: "gone", at: 1, state: "queued", attempt: 1 });
  assert.deepEqual(states(feed.jobs), ["b running"]);
  assert.equal(feed.jobs?.get("b")?.stage, "painting", "events wait for the job that they are about");
  assert.ok(server.stream.isOpen);
});

test("after a cut the feed waits longer each time, and then knows what has happened meanwhile", async () => {
  const server = new Server();
  server.jobs = [job("b", { state: "running" }), job("a", { state: "done" })];
  const feed = await followed(server);
  /** @type {string[][]} */
  const seen = [];
  /** @type {boolean[]} */
  const reached = [];
  feed.listen({ onJobs: (_, after) => seen.push(states(after)), onServer: (isReached) => reached.push(isReached) });
  server.isUp = false;
  await server.stream.cut();
  assert.ok(!server.streams[0]?.isOpen);
  assert.deepEqual([await server.waitOut(), await server.waitOut()], [0, 1]);
  server.jobs = [job("c"), job("b", { state: "done" })];
  server.newest = 9;
  server.isUp = true;
  assert.equal(await server.waitOut(), 2);
  assert.equal(server.stream.url, "/api/events?after=9");
  server.stream.dispatchEvent(new Event("open"));
  assert.deepEqual(seen, [["b done", "c queued"]]);
  assert.deepEqual(reached, [false, false, false, true]);
});

test("a server that ends the stream is asked again later, and once", async () => {
  const server = new Server();
  await followed(server);
  await server.stream.send("end", { reason: "shutdown" });
  await server.stream.cut();
  assert.equal(server.waiting.length, 1);
  await server.waitOut();
  assert.equal(server.streams.filter(({ isOpen }) => isOpen).length, 1);
});

test("the stream is open only while somebody follows and the page is shown", async () => {
  const server = new Server();
  const feed = await followed(server);
  feed.follow("jobs", true);
  feed.follow("gallery", false);
  assert.ok(server.stream.isOpen);
  feed.show(false);
  assert.ok(!server.stream.isOpen);
  feed.show(true);
  await setImmediate();
  assert.equal(server.streams.length, 2);
  feed.follow("jobs", false);
  assert.ok(!server.stream.isOpen);
  await server.stream.send("state", { job: "late", at: 1, state: "queued", attempt: 1 });
  assert.deepEqual([feed.jobs?.size, server.waiting.length], [0, 0]);
});

test("older jobs are listed when they are asked for, and survive the next list", async () => {
  const server = new Server();
  const ids = Array.from({ length: 70 }, (_, index) => String(index).padStart(2, "0"));
  server.jobs = ids.map((id) => job(id, { state: "done" })).reverse();
  const feed = await followed(server);
  assert.deepEqual([feed.jobs?.size, feed.hasOlder], [60, true]);
  await feed.listOlder();
  assert.deepEqual([feed.jobs?.size, feed.hasOlder], [70, false]);
  await server.stream.cut();
  await server.waitOut();
  assert.equal(feed.jobs?.size, 70);
});

test("answers and removals of this page are known at once", async () => {
  const feed = await followed(new Server());
  feed.learn(job("a"));
  assert.deepEqual(states(feed.jobs), ["a queued"]);
  feed.forget("a");
  assert.deepEqual(states(feed.jobs), []);
});
