// @ts-check
// One WebSocket: typed messages in both directions, and requests that are answered exactly once.

import { phrase } from "./texts/texts.js";

/** @import { ErrorCode, ExtendedClientMessage, ExtendedRpcSuccess } from "./protocol.generated.d.ts" */
/** @import { ExtendedServerMessage, RpcError } from "./protocol.generated.d.ts" */
/** @import { MovedMessage, WatcherMessage, WatcherServerMessage } from "./protocol.generated.d.ts" */
/** @import { PROTOCOL_VERSION } from "./protocol.generated.d.ts" */
/** @import { MessageId } from "./problems.js" */

/** @type {PROTOCOL_VERSION} */
const VERSION = 5;
const LEFT = 1000;
/** A close that a person has not asked for. */
export const LOST = 4000;
// If more bytes than this wait in the socket, the link is slower than the input.
const CLEAR_BYTES = 4096;
// For a server that one was sent to. A ticket to it lasts 20 s, and a firewall answers nothing.
const FOLLOW_MS = 4000;

/** @typedef {Extract<ExtendedClientMessage, { req_id: string }>} Request */
/** @typedef {Request extends infer R ? R extends Request ? Omit<R, "req_id"> : never : never} RequestBody */
/** @typedef {Exclude<ExtendedServerMessage | WatcherServerMessage, ExtendedRpcSuccess | RpcError | MovedMessage>} Push */

/**
 * @typedef {object} ConnectionListener
 * @property {() => void} onOpen
 * @property {(push: Push) => void} onPush
 * @property {(envelope: ArrayBuffer) => void} onFrame
 * @property {(close: { code: number, reason: string, wasOpen: boolean }) => void} onClose is not called after `close()`
 */

/** A request was answered with an error, or the connection closed first. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {MessageId | undefined} errorId
   * @param {ErrorCode | undefined} code
   */
  constructor(message, errorId, code) {
    super(message);
    this.errorId = errorId;
    this.code = code;
  }
}

/** A fleet sends its clients on to one of its servers at first. Nobody but this class knows of that. */
export class Connection {
  /** @type {WebSocket} */
  #socket;
  #listener;
  #place;
  #door;
  #wasOpen = false;
  #lastRequest = 0;
  /** @type {string[] | null} what was sent and may have to be sent again elsewhere; null once the client is served here */
  #sent = [];
  #isMoving = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;
  /** @type {Map<string, { resolve: (data: any) => void, reject: (error: Error) => void }>} */
  #unanswered = new Map();

  /**
   * @param {ConnectionListener} listener
   * @param {"jpeg" | "h264"} codec that frames should come as
   * @param {string} place path and query of the socket
   */
  constructor(listener, codec, place = `/ws?protocol_version=${VERSION}&client=terrarium`) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#listener = listener;
    this.#place = `${place}${codec === "h264" ? "&video=h264" : ""}`;
    this.#door = `${scheme}://${location.host}`;
    this.#socket = this.#opening(`${this.#door}${this.#place}&follows=${scheme}`);
    this.#socket.onopen = () => this.#opened();
  }

  get isOpen() {
    return this.#isMoving || this.#socket.readyState === WebSocket.OPEN;
  }

  /** Whether the socket has sent nearly everything. */
  get isClear() {
    return this.isOpen && this.#socket.bufferedAmount < CLEAR_BYTES;
  }

  /** @param {ExtendedClientMessage | WatcherMessage} message is dropped if the socket is not open */
  send(message) {
    if (!this.isOpen) return;
    const text = JSON.stringify(message);
    this.#sent?.push(text);
    if (!this.#isMoving) this.#socket.send(text);
  }

  /**
   * @template {ExtendedRpcSuccess["data"]} Data
   * @param {RequestBody} body
   * @param {AbortSignal} [signal] cancels the request; it is still answered, as cancelled or done
   * @returns {Promise<Data>}
   * @throws {RequestError}
   */
  request(body, signal) {
    if (signal?.aborted) return Promise.reject(new RequestError(phrase("codes.cancelled"), undefined, "cancelled"));
    this.#lastRequest += 1;
    const req_id = String(this.#lastRequest);
    signal?.addEventListener("abort", () => this.send({ type: "cancel", target_req_id: req_id }), { once: true });
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new RequestError(phrase("problems.closed"), undefined, undefined));
      this.#unanswered.set(req_id, { resolve, reject });
      this.send(/** @type {Request} */ ({ ...body, req_id }));
    });
  }

  /**
   * Close without calling the listener.
   *
   * @param {number} code LEFT tells the server that nobody comes back, LOST that the page will try
   */
  close(code = LEFT) {
    this.#leave(code);
    this.#rejectUnanswered();
  }

  /** @param {string} address */
  #opening(address) {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#closed(event);
    return socket;
  }

  /** @param {number} code */
  #leave(code) {
    clearTimeout(this.#patience);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(code);
  }

  /** @param {MovedMessage} to */
  #follow({ address, ticket }) {
    this.#isMoving = true;
    this.#leave(LEFT);
    const more = ticket === undefined ? "" : `&ticket=${encodeURIComponent(ticket)}`;
    this.#moveTo(`${address}${this.#place}${more}`);
    // A network may let nobody through but to the address of the fleet.
    const turnBack = () => {
      this.#leave(LEFT);
      this.#moveTo(`${this.#door}${this.#place}${more}`);
    };
    this.#socket.onclose = turnBack;
    this.#patience = setTimeout(turnBack, FOLLOW_MS);
  }

  /** @param {string} address */
  #moveTo(address) {
    this.#socket = this.#opening(address);
    this.#socket.onopen = () => this.#arrived();
  }

  #arrived() {
    clearTimeout(this.#patience);
    this.#socket.onclose = (event) => this.#closed(event);
    this.#isMoving = false;
    for (const text of this.#sent ?? []) this.#socket.send(text);
    this.#sent = null;
  }

  #opened() {
    this.#wasOpen = true;
    this.#listener.onOpen();
  }

  /** @param {string | ArrayBuffer} data */
  #received(data) {
    if (typeof data !== "string") {
      this.#sent = null;
      return this.#listener.onFrame(data);
    }
    /** @type {ExtendedServerMessage | WatcherServerMessage} */
    const message = JSON.parse(data);
    if (message.type === "moved") return this.#follow(message);
    if (message.type !== "progress") this.#sent = null; // a number in line is all that is said before one is sent on
    if (message.type === "response") this.#answer(message);
    else this.#listener.onPush(message);
  }

  /** @param {ExtendedRpcSuccess | RpcError} reply */
  #answer(reply) {
    const waiting = this.#unanswered.get(reply.req_id);
    this.#unanswered.delete(reply.req_id);
    if (reply.success) waiting?.resolve(reply.data);
    else waiting?.reject(new RequestError(reply.error ?? "", reply.error_id, reply.code));
  }

  /** @param {CloseEvent} event */
  #closed(event) {
    this.#isMoving = false;
    // Call the listener before failing the open requests, because it knows the typed error that led here.
    this.#listener.onClose({ code: event.code, reason: event.reason, wasOpen: this.#wasOpen });
    this.#rejectUnanswered();
  }

  #rejectUnanswered() {
    for (const { reject } of this.#unanswered.values()) {
      reject(new RequestError(phrase("problems.closedEarly"), undefined, undefined));
    }
    this.#unanswered.clear();
  }
}
