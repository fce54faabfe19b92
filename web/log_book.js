// @ts-check
// Two bounded lists of log entries: those of the page, and those that the server has sent.

/** @import { LogMessage } from "./protocol.generated.d.ts" */

const LIMIT = 500;

/** @typedef {"page" | "server"} LogSource */
/** @typedef {{ time: string, level: string, text: string, source: LogSource, exception: string | null }} LogEntry */

export class LogBook {
  /** @type {LogEntry[]} */
  page = [];
  /** @type {LogEntry[]} */
  server = [];
  #onEntry;

  /** @param {(entry: LogEntry) => void} onEntry */
  constructor(onEntry) {
    this.#onEntry = onEntry;
  }

  /**
   * @param {"info" | "warning" | "error"} level
   * @param {string} text
   */
  write(level, text) {
    const time = new Date().toTimeString().slice(0, 8);
    this.#add(this.page, { time, level, text, source: "page", exception: null });
  }

  /** @param {LogMessage} message */
  receive(message) {
    const fields = Object.entries(message.fields ?? {}).map(([name, value]) => `${name}=${value}`);
    this.#add(this.server, {
      time: message.timestamp ?? "",
      level: message.level,
      text: [message.event, ...fields].join("  "),
      source: "server",
      exception: message.exception ?? null,
    });
  }

  /**
   * @param {LogEntry[]} list
   * @param {LogEntry} entry
   */
  #add(list, entry) {
    list.push(entry);
    if (list.length > LIMIT) list.shift();
    this.#onEntry(entry);
  }
}
