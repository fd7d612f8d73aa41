// SPDX-License-Identifier: Apache-2.0
// What a page does beyond reading: every part looks for its own elements and does nothing where there are none.
import { localTimes } from "./clock.js";
import { completion } from "./search.js";
import { parts } from "./parts.js";
import { keys } from "./keys.js";
import { announce, light, tail } from "./live.js";
import { spans, turns } from "./session.js";
import { copyButtons, menus, stars } from "./actions.js";
import { zoom } from "./zoom.js";

localTimes(document);
copyButtons(document);
stars(document);
completion(document.querySelector("[data-search]"));
parts(document);
keys();
menus();
announce(document.querySelector("table[data-newest]"));
light(document.querySelector("[data-waiting]"));
turns(document.getElementById("turns"));
spans(document.getElementById("detail"));
zoom(document.querySelector(".waterfall[data-points]"));
tail(document.querySelector("[data-tail]"));
