// @ts-check
// The English catalogue. Another language is a module like this one, with the same areas and keys.

import * as common from "./common.js";
import * as lists from "./lists.js";
import * as people from "./people.js";
import * as play from "./play.js";
import * as server from "./server.js";
import * as studio from "./studio.js";

export const EN = { ...common, ...lists, ...people, ...play, ...server, ...studio };
