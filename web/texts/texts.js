// @ts-check
// The one place where the page's words come from: a key gives a phrase in the person's language.

import { EN } from "./en/en.js";

/** @typedef {typeof EN} Catalogue */
/** @typedef {keyof Catalogue} Area */
/** @typedef {{ [A in Area]: `${A}.${keyof Catalogue[A] & string}` }[Area]} PhraseKey such as `menu.resume` */
/** @typedef {{ other: string } & { [form in Intl.LDMLPluralRule]?: string }} Forms by what `Intl.PluralRules` says of `count` */
/** @typedef {{ [A in Area]: { [Name in keyof Catalogue[A]]: string | Forms } }} Translation */
/** @typedef {Readonly<Record<string, string | number>>} Values */

/** By the first part of a language's tag. @type {Readonly<Record<string, Translation>>} */
const LANGUAGES = { en: EN };

/**
 * @param {readonly string[]} wanted tags such as `en-GB`, the dearest first
 * @param {readonly string[]} spoken first parts of tags
 * @returns {string} the first tag whose language is spoken, else `en`
 */
export function localeFor(wanted, spoken) {
  return wanted.find((tag) => spoken.includes(languageOf(tag))) ?? "en";
}

/** The person's own tag, so that dates and numbers are in the form of their country. */
export const LOCALE = localeFor(globalThis.navigator?.languages ?? [], Object.keys(LANGUAGES));
export const LANGUAGE = languageOf(LOCALE);

/** @type {Readonly<Record<string, Readonly<Record<string, string | Forms>>>>} */
const CATALOGUE = LANGUAGES[LANGUAGE] ?? EN;
const PLURALS = new Intl.PluralRules(LOCALE);

/**
 * @param {PhraseKey} key
 * @param {Values} [values] of its placeholders; `count` chooses the form of what is counted
 * @returns {string} a placeholder without a value stays as it is
 */
export function phrase(key, values = {}) {
  const [area = "", ...name] = key.split(".");
  const entry = CATALOGUE[area]?.[name.join(".")] ?? key;
  return filled(formOf(entry, values), values);
}

/**
 * For names that only the server lists, and a newer one lists more of.
 *
 * @template {Area} A
 * @param {A} area
 * @param {string} name
 * @returns {string | undefined}
 */
export function knownPhrase(area, name) {
  const names = CATALOGUE[area] ?? {};
  return Object.hasOwn(names, name) ? filled(formOf(names[name] ?? "", {}), {}) : undefined;
}

/** @param {Area} area */
export function namesIn(area) {
  return Object.keys(CATALOGUE[area] ?? {});
}

/**
 * @param {string | Forms} entry
 * @param {Values} values
 */
export function formOf(entry, { count = 0 }, plurals = PLURALS) {
  return typeof entry === "string" ? entry : (entry[plurals.select(Number(count))] ?? entry.other);
}

/**
 * @param {string} text
 * @param {Values} values
 */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (placeholder, name) => String(values[name] ?? placeholder));
}

/** @param {string} tag */
function languageOf(tag) {
  return tag.split("-")[0]?.toLowerCase() ?? "";
}
