// @ts-check
// The progress that each stage on the way to the first frame represents.

import { knownPhrase, phrase } from "./texts/texts.js";

/** @import { ProgressMessage, StageId } from "./protocol.generated.d.ts" */

/** @type {Record<StageId, number>} percent */
const STAGE_PERCENTS = {
  "startup.begin": 6,
  "startup.world_engine_manager": 7,
  "startup.safety_checker": 8,
  "startup.safety_ready": 9,
  "startup.ready": 10,
  "session.waiting_for_seed": 12,
  "session.loading_model.load": 20,
  "session.loading_model.instantiate": 28,
  "session.scene_authoring.load": 38,
  "session.warmup.reset": 48,
  "session.warmup.seed": 55,
  "session.warmup.compile": 70,
  "session.init.reset": 80,
  "session.init.seed": 88,
  "session.init.frame": 95,
  "session.reset": 58,
  "session.ready": 100,
};

/**
 * @param {StageId} stage which may be unknown if the server is newer than this page
 * @param {string | undefined} message the server's own words
 * @returns {{ text: string, percent: number | null }}
 */
export function describeStage(stage, message) {
  return { text: knownPhrase("stages", stage) ?? message ?? stage, percent: STAGE_PERCENTS[stage] ?? null };
}

/**
 * @param {ProgressMessage} progress
 * @returns {string} the step, how far it is, and how many come first, as far as that is known
 */
export function describeProgress({ step, fraction, in_line }) {
  const text = phrase(`progress.${step}`);
  const share = fraction === undefined ? text : phrase("loading.share", { step: text, percent: Math.round(fraction * 100) });
  return in_line === undefined ? share : phrase("loading.inLine", { step: share, place: in_line });
}
