// Parts of a page that may take longer than the page itself are fetched after it; the place for them is kept.
import { brush } from "./brush.js";

export async function parts(root) {
  for (const place of root.querySelectorAll("[data-part]")) {
    if (place.dataset.titles) place.replaceChildren(waiting(place.dataset.titles.split(",")));
    try {
      const answer = await fetch(place.dataset.part);
      if (!answer.ok) throw new Error(answer.statusText);
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("section");
      if (!part.children.length) { place.remove(); continue; }
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

// Charts without figures, in the room that those to come will take.
function waiting(titles) {
  const section = document.createElement("section");
  section.className = "charts";
  section.ariaHidden = "true";
  for (const title of titles) {
    const chart = section.appendChild(document.createElement("figure")), header = chart.appendChild(document.createElement("header"));
    chart.className = "chart panel wait";
    header.appendChild(document.createElement("h2")).textContent = title;
  }
  return section;
}
