// SPDX-License-Identifier: Apache-2.0
// What arrives while the page is open.
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

// Turns of an active session: the page says that there are more, and shows them when asked.
export function tail(mark) {
  if (!mark || !window.EventSource) return;
  const events = new EventSource(mark.dataset.tail);
  const seen = new Set();
  events.addEventListener("open", () => mark.classList.add("on"));
  events.addEventListener("error", () => mark.classList.remove("on"));
  events.addEventListener("turn", (event) => {
    seen.add(JSON.parse(event.data).trace_id);
    let link = document.getElementById("later");
    if (!link) {
      link = document.createElement("a");
      link.id = "later";
      link.className = "button primary";
      link.href = location.href.split("#")[0];
      document.getElementById("more").append(link);
    }
    link.textContent = `${seen.size === 1 ? "A turn" : `${seen.size} turns`} changed: show`;
  });
}
