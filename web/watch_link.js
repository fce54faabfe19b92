// @ts-check
// The connection of somebody who watches.

import { Connection } from "./connection.js";

/** @import { Push } from "./connection.js" */
/** @import { ErrorCode, FrameHeader, WatchingMessage, ErrorMessage, ControlNotification } from "./protocol.generated.d.ts" */

/**
 * @typedef {object} WatchListener
 * @property {(message: WatchingMessage) => void} onWatching
 * @property {(message: ErrorMessage) => void} onRefused what was asked for was refused; watching goes on
 * @property {(envelope: ArrayBuffer) => void} onFrame
 * @property {(code: ErrorCode | null, text: string) => void} onOver is called once
 */

export class WatchLink {
  #connection;
  #listener;
  /** @type {ErrorMessage | null} */
  #error = null;

  /**
   * @param {string} link
   * @param {"jpeg" | "h264"} codec
   * @param {WatchListener} listener
   */
  constructor(link, codec, listener) {
    this.#listener = listener;
    const place = `/watch?link=${encodeURIComponent(link)}`;
    this.#connection = new Connection(
      {
        onOpen: () => {},
        onPush: (push) => this.#received(push),
        onFrame: listener.onFrame,
        onClose: () => listener.onOver(this.#error?.code ?? null, this.#error?.message ?? ""),
      },
      codec,
      place,
    );
  }

  get isClear() {
    return this.#connection.isClear;
  }

  /** @param {FrameHeader} header */
  acknowledge({ frame_id, epoch }) {
    this.#connection.send({ type: "frame_ack", frame_id, epoch });
  }

  /** @param {ControlNotification} control */
  control(control) {
    this.#connection.send(control);
  }

  /** @param {"ask_controls" | "return_controls"} type */
  notify(type) {
    this.#connection.send({ type });
  }

  /** @param {"jpeg" | "h264"} codec that frames should come as from now on */
  useVideo(codec) {
    // The answer says nothing that the frames do not show.
    this.#connection.request({ type: "video", codec }).catch(() => {});
  }

  /** @param {Push} push */
  #received(push) {
    if (push.type === "watching") this.#listener.onWatching(push);
    else if (push.type === "error") {
      this.#error = push;
      this.#listener.onRefused(push);
    }
  }
}

/**
 * @param {string} link
 * @returns {Promise<{ code: ErrorCode | null, message: string } | null>} why it opens nothing; null if it opens a session.
 *   A page sees nothing of how the handshake of a socket was refused.
 */
export async function whyNot(link) {
  try {
    const response = await fetch(`/api/watch?link=${encodeURIComponent(link)}`);
    return response.ok ? null : await response.json();
  } catch {
    return { code: null, message: "" };
  }
}
