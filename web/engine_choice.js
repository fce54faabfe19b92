// @ts-check
// Which engine a picture is played in: the one that was chosen for it in this browser, or else the server's choice.

const KEY = "terrarium.engines";
const MOST = 200;

export class EngineChoice {
  /** @type {Map<string, string>} engine by the hash of a picture, the latest choice last */
  #chosen;
  #storage;

  /** @param {() => Pick<Storage, "getItem" | "setItem">} storage raises where storage is blocked */
  constructor(storage) {
    this.#storage = storage;
    this.#chosen = read(storage);
  }

  /**
   * @param {string} hash
   * @returns {string | null} null if nothing was chosen
   */
  of(hash) {
    return this.#chosen.get(hash) ?? null;
  }

  /**
   * @param {string} hash
   * @param {string | null} engine null for the server's choice
   */
  choose(hash, engine) {
    this.#chosen.delete(hash);
    if (engine !== null) this.#chosen.set(hash, engine);
    this.#chosen = new Map([...this.#chosen].slice(-MOST));
    try {
      this.#storage().setItem(KEY, JSON.stringify([...this.#chosen]));
    } catch {
      // Then the choice lasts as long as the page.
    }
  }
}

/** @param {() => Pick<Storage, "getItem">} storage */
function read(storage) {
  try {
    /** @type {unknown} */
    const stored = JSON.parse(storage().getItem(KEY) ?? "[]");
    return new Map(Array.isArray(stored) ? stored.filter(isChoice).slice(-MOST) : []);
  } catch {
    // Storage may be blocked, or contain something else.
    return new Map();
  }
}

/**
 * @param {unknown} entry
 * @returns {entry is [string, string]}
 */
function isChoice(entry) {
  return Array.isArray(entry) && entry.length === 2 && entry.every((each) => typeof each === "string");
}
