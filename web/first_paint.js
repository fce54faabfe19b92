// @ts-check
// What has to be right before the page is shown for the first time. Browsers wait for this module, so it stays small.

import { loadSettings } from "./settings.js";
import { fillPage } from "./texts/page.js";
import { showTheme } from "./theme.js";

fillPage();
showTheme(loadSettings().theme);
