// @ts-check
// Explains to the person why something failed, and what to do about it.

import { knownPhrase, phrase } from "./texts/texts.js";


/** @import { ErrorCode, ErrorId, ErrorMessage, ErrorSnapshot, WarningId } from "./protocol.generated.d.ts" */

/** @typedef {ErrorId | WarningId} MessageId */

/**
 * `reconnect`: the page tries again by itself. `queue`: it does so too, and waits for a place.
 * `again`: the person may try again. `reload`: the page is outdated. `choose`: the same picture and model would fail
 * again.
 *
 * @typedef {"reconnect" | "queue" | "again" | "reload" | "choose"} Recovery
 */

/**
 * @typedef {object} Problem
 * @property {string} title
 * @property {string} text what happened and what to do
 * @property {string | null} detail the server's message, if it says more
 * @property {Recovery} recovery
 * @property {ErrorCode | null} code
 * @property {MessageId | null} errorId
 * @property {ErrorSnapshot | null} snapshot
 */

/** @type {Partial<Record<ErrorCode, Recovery>>} */
const RECOVERY_BY_CODE = {
  shuttingDown: "reconnect",
  serviceUnavailable: "reconnect",
  serverBusy: "queue",
  modelBusy: "queue",
  protocolVersionMismatch: "reload",
  invalidRequest: "reload",
  tokenRequired: "reload",
  unknownModel: "choose",
  seedMissing: "choose",
  seedUnknown: "choose",
  seedEmpty: "choose",
  seedNotAPicture: "choose",
  seedTooLarge: "choose",
  seedUnsafe: "choose",
  seedCheckFailed: "choose",
};

/** @type {Partial<Record<MessageId, Recovery>>} */
const RECOVERY_BY_ID = {
  "app.server.error.serverBusy": "queue",
  "app.server.error.protocolVersionMismatch": "reload",
};

/** The errors with a title that says more than that of their recovery. @type {ReadonlySet<string>} */
const TITLED = new Set(/** @satisfies {ErrorCode[]} */ (["tokenRequired", "modelNotPulled", "resumedElsewhere", "resumeTooLate"]));

const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;

/**
 * @param {{ code?: ErrorCode | undefined, id?: MessageId | undefined, message?: string | undefined }} error
 * @returns {string} the most specific text of this page, or the server's message if the page has none
 */
export function textOfError({ code, id, message }) {
  const known = (code && knownPhrase("codes", code)) ?? (id && (knownPhrase("errors", id) ?? knownPhrase("warnings", id)));
  return known ?? (message || phrase("problems.unknown"));
}

/**
 * @param {ErrorMessage} error
 * @returns {Problem}
 */
export function problemOfError(error) {
  return problem(error.code, error.message_id, error.message ?? error.params?.message, error.snapshot);
}

/**
 * @param {{ code: ErrorCode | undefined, errorId: MessageId | undefined, message: string }} failure
 * @returns {Problem}
 */
export function problemOfRequest({ code, errorId, message }) {
  return problem(code, errorId, message, undefined);
}

/**
 * The problem of a connection that closed without an `error` message.
 *
 * @param {{ code: number, reason: string, wasOpen: boolean }} close
 * @returns {Problem}
 */
export function problemOfClose({ code, reason, wasOpen }) {
  const isRestart = [GOING_AWAY, SERVICE_RESTART, TRY_AGAIN_LATER].includes(code);
  return {
    title: phrase(isRestart || wasOpen ? "problems.connectionLost" : "problems.reconnect"),
    text: phrase(isRestart ? "problems.stopped" : wasOpen ? "problems.wasLost" : "problems.noAnswer"),
    detail: reason || null,
    recovery: "reconnect",
    code: null,
    errorId: null,
    snapshot: null,
  };
}

/**
 * @param {ErrorCode | undefined} code
 * @param {MessageId | undefined} id
 * @param {string | undefined} message
 * @param {ErrorSnapshot | undefined} snapshot
 * @returns {Problem}
 */
function problem(code, id, message, snapshot) {
  const recovery = (code && RECOVERY_BY_CODE[code]) ?? (id && RECOVERY_BY_ID[id]) ?? "again";
  const text = code === "serverBusy" ? phrase("problems.allBusy") : textOfError({ code, id, message });
  return {
    title: (code && TITLED.has(code) && knownPhrase("problems", code)) || phrase(`problems.${recovery}`),
    text,
    // A problem that passes by itself needs no details.
    detail: message && message !== text && recovery !== "queue" && recovery !== "reconnect" ? message : null,
    recovery,
    code: code ?? null,
    errorId: id ?? null,
    snapshot: snapshot ?? null,
  };
}
