// SPDX-License-Identifier: Apache-2.0
// The waterfall looked at closer: drag over the ruler, or + - ← → 0 within it. What is seen stands in the address.
const WIDTH = 1000;
const between = (points, at) => {
  for (let i = 1; i < points.length; i++) {
    const [left, low] = points[i - 1], [right, high] = points[i];
    if (at <= right) return low + (right > left ? (high - low) * (Math.max(at, left) - left) / (right - left) : 0);
  }
  return points.at(-1)[1];
};
const duration = (us) => {
  const s = us / 1e6;
  if (s < 1) return us >= 10_000 || !us ? `${Math.round(us / 1000)} ms` : `${(us / 1000).toFixed(1)} ms`;
  if (s < 60) return `${s.toFixed(1)} s`;
  for (const [size, unit, small, less] of [[86_400, "d", 3_600, "h"], [3_600, "h", 60, "min"], [60, "min", 1, "s"]])
    if (s >= size) {
      const rest = Math.floor(s % size / small);
      return `${Math.floor(s / size)} ${unit}${rest ? ` ${rest} ${less}` : ""}`;
    }
};

let shown = () => {};
window.addEventListener("popstate", () => shown());

export function zoom(fall) {
  const ruler = fall?.querySelector("[data-ruler]");
  if (!ruler) return;
  const points = JSON.parse(fall.dataset.points), times = points.map(([place, time]) => [time, place]);
  const drawings = [...fall.querySelectorAll("svg.time")], all = fall.querySelector("[data-zoom=all]");
  let [left, width] = [0, WIDTH];

  const show = (x, size) => {
    width = Math.max(WIDTH / 1000, Math.min(size, WIDTH));
    left = Math.max(0, Math.min(x, WIDTH - width));
    for (const svg of drawings) svg.setAttribute("viewBox", `${left} 0 ${width} 16`);
    for (const row of fall.querySelectorAll("a.wf")) {
      const bar = row.querySelector(".bar"), from = +bar.getAttribute("x");
      row.hidden = from > left + width || from + +bar.getAttribute("width") < left;
    }
    const ticks = [...ruler.querySelectorAll("text")];
    const start = between(points, left);
    ticks.forEach((tick, n) => {
      const after = between(points, left + width * n / (ticks.length - 1)) - start;
      tick.textContent = n ? `${start ? "+" : ""}${duration(after)}` : duration(start);
    });
    all.hidden = width >= WIDTH;
  };
  const restore = () => {
    const asked = /^(\d+)-(\d+)$/.exec(new URL(location.href).searchParams.get("zoom") ?? "");
    if (!asked) { show(0, WIDTH); return; }
    const from = between(times, +asked[1]), to = between(times, +asked[2]);
    show(from, to - from);
  };
  const go = (x, size) => {
    show(x, size);
    const url = new URL(location.href);
    if (width >= WIDTH) url.searchParams.delete("zoom");
    else url.searchParams.set("zoom", `${Math.round(between(points, left))}-${Math.round(between(points, left + width))}`);
    history.replaceState(history.state, "", url);
  };
  const moves = {
    in: () => go(left + width / 4, width / 2), out: () => go(left - width / 2, width * 2),
    left: () => go(left - width / 2, width), right: () => go(left + width / 2, width), all: () => go(0, WIDTH),
  };
  fall.addEventListener("click", (event) => {
    const link = event.target.closest("[data-zoom]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    moves[link.dataset.zoom]();
  });
  fall.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moves[{ "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all" }[event.key]];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  });

  const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  mark.setAttribute("class", "brush");
  mark.setAttribute("height", "100%");
  let from = null;
  const share = (event) => {
    const box = ruler.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  ruler.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = share(event);
    ruler.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  ruler.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const to = share(event);
    mark.setAttribute("x", `${100 * Math.min(from, to)}%`);
    mark.setAttribute("width", `${100 * Math.abs(to - from)}%`);
    ruler.append(mark);
  });
  ruler.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const to = share(event), start = Math.min(from, to), part = Math.abs(to - from);
    from = null;
    mark.remove();
    if (part > 0.01) go(left + width * start, width * part);
  });
  ruler.addEventListener("dblclick", () => moves.all());
  shown = restore;  // one listener for all: each would keep the waterfall that it was made for
}
