// @ts-check
// Models for tests.

/** @import { LibraryModel } from "../models_rest.js" */

/**
 * @param {Partial<LibraryModel>} [facts]
 * @returns {LibraryModel}
 */
export function model(facts = {}) {
  return {
    id: "studio/meadow",
    kind: "engine",
    title: "Meadow",
    description: "Grass that moves.",
    licence: "Apache-2.0",
    model_type: "meadow",
    quants: ["none"],
    placement: "device",
    size_bytes: 4_000_000_000,
    built_in: false,
    in_place: false,
    use: null,
    state: { kind: "ready" },
    needs: { ram_bytes: 2_000_000_000, vram_bytes: 6_000_000_000, disk_bytes: 4_000_000_000 },
    fit: { kind: "fits", reason: null },
    measured: null,
    pace: { frames_per_pass: 4, fps: 60, control_ms: 67 },
    repositories: [{ id: "studio/meadow", revision: "main", size_bytes: 4_000_000_000, licence: "Apache-2.0", gated: false }],
    ...facts,
  };
}
