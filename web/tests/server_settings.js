// @ts-check
// Settings of a server, for tests.

/** @import { ServerSetting, ServerSettings } from "../server_settings_rest.js" */

/**
 * @param {string} name
 * @param {Partial<ServerSetting>} [facts]
 * @returns {ServerSetting}
 */
export function setting(name, facts = {}) {
  return {
    name,
    help: "sessions that are open at a time",
    kind: "integer",
    choices: null,
    least: null,
    most: null,
    unit: null,
    value: 8,
    default: 8,
    defaultInWords: null,
    isSet: false,
    source: "default",
    fixedBy: null,
    applies: "live",
    restartReason: null,
    isPending: false,
    pending: null,
    ...facts,
  };
}

/** @param {string} name */
export const secret = (name, facts = {}) => setting(name, { kind: "secret", value: null, default: null, ...facts });

/**
 * @param {ServerSetting[]} settings
 * @returns {ServerSettings}
 */
export function answer(...settings) {
  return { revision: "1", file: "/data/settings.toml", fault: null, groups: [{ title: "play", settings }] };
}
