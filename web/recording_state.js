// @ts-check
// The state of recording in this session, and notices about it. Pure logic: it uses neither the document nor a clock.

import { textOfError } from "./problems.js";
import { durationText } from "./recording_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { RecordingMessage, RecordingResponseData } from "./protocol.generated.d.ts" */

/** @typedef {{ kind: "info" | "error", text: string }} Notice */

export class RecordingState {
  /** Recording was requested, and has neither ended nor failed since. */
  isOn = false;
  /** @type {{ name: string, startedAt: number } | null} the running segment; null while the world is paused */
  segment = null;

  /** @param {number} now milliseconds, on the clock of `startedAt` */
  elapsedSeconds(now) {
    return this.segment ? Math.max(0, now - this.segment.startedAt) / 1000 : null;
  }

  /** @param {RecordingResponseData} answer */
  answered(answer) {
    this.isOn = answer.state !== "off";
    if (!this.isOn) this.segment = null;
  }

  /**
   * @param {RecordingMessage} news
   * @param {number} now
   * @returns {Notice | null}
   */
  told(news, now) {
    switch (news.event) {
      case "started":
        this.isOn = true;
        this.segment = { name: news.name ?? "", startedAt: now };
        return null;
      case "finishing":
        if (this.segment?.name === news.name) this.segment = null;
        return null;
      case "saved":
        return { kind: "info", text: phrase("recordings.saved", { duration: durationText(news.duration_s ?? 0) }) };
      case "removed":
        return { kind: "info", text: phrase("recordings.tooShort") };
      case "postponed":
        return { kind: "info", text: news.message ?? phrase("recordings.later") };
      case "redirected":
        return { kind: "info", text: textOfError(news) };
      case "failed":
        // Finishing an older segment may fail while the next one is being recorded.
        if (this.segment?.name === news.name) this.forget();
        return { kind: "error", text: textOfError(news) };
    }
  }

  /** To be called when the session ends, which ends its recording too. */
  forget() {
    this.isOn = false;
    this.segment = null;
  }
}
