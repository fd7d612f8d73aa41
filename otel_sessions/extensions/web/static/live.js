// SPDX-License-Identifier: Apache-2.0
// What arrives while the page is open.
import { localTimes } from "./clock.js";
import { append } from "./session.js";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// New sessions announce themselves and move nothing.
export async function announce(table) {
  const news = document.getElementById("news");
  if (!table || !news || !table.dataset.newest) return;
  const url = new URL(`${location.pathname.replace(/\/sessions$/, "")}/api/v1/sessions`, location.href);
  const here = new URL(location.href).searchParams;
  if (here.get("query")) url.searchParams.set("query", here.get("query"));
  url.searchParams.set("from", table.dataset.newest);
  url.searchParams.set("limit", "100");
  url.searchParams.set("fields", "core");
  for (let pause = 5_000; ; ) {
    await wait(pause);
    if (document.hidden) continue;
    try {
      const answer = await fetch(url);
      if (!answer.ok) return;
      const body = await answer.json();
      const count = body.sessions.filter((session) => session.end_time > table.dataset.newest).length;
      news.hidden = !count;
      if (count) news.textContent = `${count}${body.next_cursor ? "+" : ""} active since: show`;
      pause = 5_000;
    } catch { pause = Math.min(pause * 2, 60_000); }
  }
}

// The light of an empty store turns green with the first session.
export async function light(section) {
  if (!section) return;
  for (;;) {
    await wait(2_000);
    try {
      const body = await (await fetch(section.dataset.waiting)).json();
      if (body.sessions.length) {
        document.getElementById("light").classList.add("on");
        document.getElementById("light-text").textContent = "The first session is here";
        await wait(800);
        location.reload();
        return;
      }
    } catch { await wait(8_000); }
  }
}

// Turns of an active session: the figures follow, and turns are shown at the end while that is in sight. Elsewhere a status
// says how many there are, and shows them when asked.
export function tail(mark) {
  const status = document.getElementById("more"), figures = document.querySelector(".figures");
  if (!mark || !status || !window.EventSource) return;
  const events = new EventSource(mark.dataset.tail);
  const seen = new Set();
  let known = +figures.dataset.turns, timer = 0;
  const shown = (page) => {
    if (!page || [...seen].some((turn) => !page.querySelector(`[id="turn-${turn}"]`))) return false;
    seen.clear();
    known = +figures.dataset.turns;
    status.replaceChildren();
    return true;
  };
  const update = async () => {
    await count(figures);
    if (!seen.size || shown(await append(false))) return;
    const link = status.querySelector("a") ?? document.createElement("a");
    link.id = "later";
    link.className = "button primary";
    link.href = location.href.split("#")[0];
    link.onclick = (event) => {
      event.preventDefault();
      append(true).then((page) => { if (!shown(page)) location.assign(link.href); });
    };
    const more = figures.dataset.turns - known, turns = more > 0 ? more : seen.size;
    link.textContent = `${turns} ${more > 0 ? "new " : ""}turn${turns === 1 ? "" : "s"}${more > 0 ? "" : " changed"}: show`;
    if (!link.isConnected) status.append(link);
  };
  events.addEventListener("open", () => mark.classList.add("on"));
  events.addEventListener("error", () => mark.classList.remove("on"));
  events.addEventListener("turn", (event) => {
    seen.add(JSON.parse(event.data).trace_id);
    clearTimeout(timer);
    timer = setTimeout(() => update().catch(() => {}), 300);
  });
}

// Puts the figures of now into the place of those there are; what a reader unfolded stays so.
async function count(figures) {
  const url = new URL(location.href);
  url.searchParams.set("fragment", "figures");
  const answer = await fetch(url);
  if (!answer.ok) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".figures");
  const percentiles = figures.querySelector("#percentiles").textContent;
  figures.querySelectorAll("dl").forEach((list, n) => list.replaceChildren(...now.querySelectorAll("dl")[n].childNodes));
  figures.querySelector("#percentiles").textContent = percentiles;
  localTimes(figures);
  figures.dataset.turns = now.dataset.turns;
}
