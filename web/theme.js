// @ts-check
// Light or dark: as the person has set it, or else as the system has it.

/** @import { Theme } from "./settings.js" */

const SYSTEM_IS_DARK = matchMedia("(prefers-color-scheme: dark)");

SYSTEM_IS_DARK.addEventListener("change", colourBrowser);

/** @param {Theme} theme */
export function showTheme(theme) {
  const { dataset } = document.documentElement;
  if (theme === "auto") delete dataset.theme;
  else dataset.theme = theme;
  colourBrowser();
}

/** Browsers that colour their own bars take the ground of the page. */
function colourBrowser() {
  const meta = document.querySelector('meta[name="theme-color"]');
  if (meta instanceof HTMLMetaElement) meta.content = getComputedStyle(document.body).backgroundColor;
}
