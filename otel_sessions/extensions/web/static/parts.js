// SPDX-License-Identifier: Apache-2.0
// Parts of a page that may take longer than the page itself are fetched after it; the place for them is kept.
import { brush } from "./brush.js";

export async function parts(root) {
  for (const place of root.querySelectorAll("[data-part]")) {
    try {
      const answer = await fetch(place.dataset.part);
      if (!answer.ok) throw new Error(answer.statusText);
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("section");
      if (!part.children.length) { place.remove(); continue; }
      place.style.setProperty("min-height", `${place.offsetHeight}px`);
      place.replaceChildren(part);
      const found = root.getElementById("found"), percentiles = root.getElementById("percentiles");
      if (found) found.textContent = part.dataset.found ?? "";
      if (percentiles && part.dataset.percentiles) percentiles.textContent = part.dataset.percentiles;
      if ("brush" in place.dataset) brush(place);
    } catch {
      place.textContent = "The charts could not be loaded.";
    }
  }
}
