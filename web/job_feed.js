// @ts-check
// The one place where the page learns about jobs: it lists them, then follows the server's events.
// Each connection begins with a list, so a gap of any length, or another database, leaves nothing outdated.

import { retryDelay } from "./backoff.js";
import { afterEvent, withJob, withList, withoutJob } from "./job_list.js";
import { eventsUrl, fetchJob, fetchJobs } from "./jobs_rest.js";
import { RestError } from "./rest.js";

/** @import { JobEvent, Jobs } from "./job_list.js" */
/** @import { Job, JobsPage } from "./jobs_rest.js" */

const PAGE_LENGTH = 60;
const LONGEST_LIST = 500;
/** A stream that lasted for so long was no failed attempt. */
const STEADY_MS = 10_000;
const KINDS = /** @type {const} */ (["state", "stage", "cancelling", "progress"]);

/**
 * @typedef {object} EventStream what the feed uses of an EventSource
 * @property {(type: string, listener: (event: Event) => void) => void} addEventListener
 * @property {() => void} close
 */

/**
 * @typedef {object} JobServer
 * @property {(limit: number, before?: string | null) => Promise<JobsPage>} list
 * @property {(id: string) => Promise<Job>} find
 * @property {(url: string) => EventStream} open
 * @property {(work: () => void, attempt: number) => number} later do it after a while; clearTimeout stops it
 */

/**
 * @typedef {object} JobFeedListener
 * @property {(before: Jobs | null, after: Jobs) => void} onJobs something has changed; before the first list it was null
 * @property {(isReached: boolean) => void} [onServer] whether the server could be reached the last time
 */

/** @type {JobServer} */
const SERVER = {
  list: fetchJobs,
  find: fetchJob,
  open: (url) => new EventSource(url),
  later: (work, attempt) => window.setTimeout(work, retryDelay("reconnect", attempt)),
};

export class JobFeed {
  #server;
  /** @type {Jobs | null} */
  #jobs = null;
  /** @type {Set<JobFeedListener>} */
  #listeners = new Set();
  /** @type {Set<string>} who follows */
  #followers = new Set();
  #isShown = true;
  /** Aborted when the present connection, or the attempt at one, is over. @type {AbortController | null} */
  #visit = null;
  #retryTimer = 0;
  #attempt = 0;
  /** The oldest job up to which the list has no gap. @type {string | null} */
  #oldest = null;
  #listedAll = true;

  /** @param {JobServer} server */
  constructor(server = SERVER) {
    this.#server = server;
  }

  /** Null before the first list. */
  get jobs() {
    return this.#jobs;
  }

  /** Whether the server has older jobs than those that were listed. */
  get hasOlder() {
    return !this.#listedAll;
  }

  /** @param {JobFeedListener} listener */
  listen(listener) {
    this.#listeners.add(listener);
  }

  /**
   * The stream of events is open only while somebody follows and the page is shown.
   *
   * @param {string} follower
   * @param {boolean} isFollowing
   */
  follow(follower, isFollowing) {
    if (isFollowing) this.#followers.add(follower);
    else this.#followers.delete(follower);
    this.#update();
  }

  /** @param {boolean} isShown whether the page can be seen */
  show(isShown) {
    this.#isShown = isShown;
    this.#update();
  }

  /** @param {Job} job from an answer of the server */
  learn(job) {
    this.#change(withJob(this.#jobs ?? new Map(), job));
  }

  /** @param {string} id of a job that was removed */
  forget(id) {
    if (this.#jobs) this.#change(withoutJob(this.#jobs, id));
  }

  /** @throws {RestError} */
  async listOlder() {
    const { jobs } = await this.#server.list(PAGE_LENGTH, this.#oldest);
    this.#oldest = jobs.at(-1)?.id ?? this.#oldest;
    this.#listedAll = jobs.length < PAGE_LENGTH;
    this.#change(jobs.reduce(withJob, this.#jobs ?? /** @type {Jobs} */ (new Map())));
  }

  #update() {
    const isNeeded = this.#isShown && this.#followers.size > 0;
    if (isNeeded === (this.#visit !== null)) return;
    this.#end();
    if (isNeeded) {
      this.#attempt = 0;
      this.#begin();
    }
  }

  #begin() {
    const visit = new AbortController();
    this.#visit = visit;
    void this.#connect(visit.signal);
  }

  #end() {
    clearTimeout(this.#retryTimer);
    this.#visit?.abort();
    this.#visit = null;
  }

  /** @param {AbortSignal} signal */
  async #connect(signal) {
    const asked = this.#jobs ?? new Map();
    const limit = Math.min(LONGEST_LIST, Math.max(PAGE_LENGTH, asked.size));
    try {
      const { jobs, newest_event } = await this.#server.list(limit);
      if (signal.aborted) return;
      this.#oldest = jobs.at(-1)?.id ?? null;
      this.#listedAll = jobs.length < limit;
      this.#change(withList(asked, this.#jobs ?? new Map(), jobs, this.#listedAll));
      this.#stream(newest_event, signal);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.#comeBack(signal);
    }
  }

  /**
   * @param {number} after
   * @param {AbortSignal} signal
   */
  #stream(after, signal) {
    const stream = this.#server.open(eventsUrl(after));
    const began = performance.now();
    let told = Promise.resolve();
    const leave = () => {
      if (performance.now() - began > STEADY_MS) this.#attempt = 0;
      this.#comeBack(signal);
    };
    signal.addEventListener("abort", () => stream.close());
    stream.addEventListener("open", () => this.#tell(true));
    stream.addEventListener("error", leave);
    stream.addEventListener("end", leave);
    for (const event of KINDS) {
      stream.addEventListener(event, (message) => {
        const { data } = /** @type {MessageEvent<string>} */ (message);
        const next = /** @type {JobEvent} */ ({ event, data: JSON.parse(data) });
        // One after the other, because a job may have to be asked for first.
        told = told.then(() => this.#take(next, signal));
      });
    }
  }

  /**
   * @param {JobEvent} told
   * @param {AbortSignal} signal
   */
  async #take(told, signal) {
    if (signal.aborted) return;
    const id = told.data.job;
    const job = this.#jobs?.get(id);
    if (job) return this.learn(afterEvent(job, told));
    try {
      // Somebody else has begun it, or it is older than those that are listed.
      const found = await this.#server.find(id);
      if (!signal.aborted) this.learn(found);
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (error.status !== 404) this.#comeBack(signal);
    }
  }

  /** @param {AbortSignal} signal of the connection that was lost */
  #comeBack(signal) {
    if (signal.aborted) return;
    this.#visit?.abort();
    this.#tell(false);
    this.#retryTimer = this.#server.later(() => this.#begin(), this.#attempt);
    this.#attempt += 1;
  }

  /** @param {Jobs} jobs */
  #change(jobs) {
    const before = this.#jobs;
    if (jobs === before) return;
    this.#jobs = jobs;
    for (const { onJobs } of this.#listeners) onJobs(before, jobs);
  }

  /** @param {boolean} isReached */
  #tell(isReached) {
    for (const { onServer } of this.#listeners) onServer?.(isReached);
  }
}
