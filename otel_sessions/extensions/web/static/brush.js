// SPDX-License-Identifier: Apache-2.0
// Dragging over a chart sets the window of time; the bars are links without it.
export function brush(charts) {
  if (!charts) return;
  for (const svg of charts.querySelectorAll("svg")) {
    const links = [...svg.querySelectorAll("a[data-time]")];
    if (links.length < 2) continue;
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    mark.setAttribute("class", "brush");
    mark.setAttribute("height", "48");
    let from = null, moved = false;
    const index = (event) => {
      const box = svg.getBoundingClientRect();
      return Math.max(0, Math.min(links.length - 1, Math.floor((event.clientX - box.left) / box.width * links.length)));
    };
    svg.addEventListener("pointerdown", (event) => { if (event.button === 0) { from = index(event); moved = false; } });
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    window.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = index(event), width = 240 / links.length;
      if (to !== from) moved = true;
      mark.setAttribute("x", String(Math.min(from, to) * width));
      mark.setAttribute("width", String((Math.abs(to - from) + 1) * width));
      if (moved) svg.append(mark);
    });
    window.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const to = index(event), start = Math.min(from, to), end = Math.max(from, to);
      from = null;
      mark.remove();
      if (!moved) return;
      const first = new URL(links[start].getAttribute("href"), location.href);
      const last = new URL(links[end].getAttribute("href"), location.href);
      first.searchParams.set("to", last.searchParams.get("to"));
      svg.addEventListener("click", (click) => click.preventDefault(), { once: true, capture: true });
      location.assign(first);
    });
  }
}
