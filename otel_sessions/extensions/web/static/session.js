// SPDX-License-Identifier: Apache-2.0
// Long sessions: later turns are fetched as they are approached, and pages far away give their elements back.
import { localTimes } from "./clock.js";
import { copyButtons } from "./actions.js";
import { zoom } from "./zoom.js";

const NEAR = 1_200, FAR = 4_000;  // pixels beyond the window: nearer is filled, farther is emptied

// Shows turns that have arrived, in the last page of turns: with `asked` always, else where its end is in sight. The page
// where it did, nothing where that is not the end, or somebody is at something there.
export let append = async () => null;

export function turns(container) {
  if (!container || !window.IntersectionObserver) return;
  const sources = new Map();
  const fill = async (page) => {
    const source = sources.get(page);
    if (source.busy || !page.dataset.empty) return;
    source.busy = true;
    try {
      const answer = await fetch(source.url, { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.statusText);
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".page");
      page.replaceChildren(...parsed.childNodes);
      delete page.dataset.empty;
      page.style.removeProperty("height");
      localTimes(page);
      more(page);
      container.dispatchEvent(new Event("filled"));
    } finally { source.busy = false; }
  };
  const empty = (page) => {
    if (page.dataset.empty || page.contains(document.activeElement) || page.querySelector("details[open] form")) return;
    page.style.setProperty("height", `${page.offsetHeight}px`);
    page.dataset.empty = "1";
    page.replaceChildren();
  };
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) fill(entry.target).catch(() => {});
  }, { rootMargin: `${NEAR}px` });
  const gone = new IntersectionObserver((entries) => {
    for (const entry of entries) if (!entry.isIntersecting) empty(entry.target);
  }, { rootMargin: `${FAR}px` });
  const watch = (page, url) => {
    url.searchParams.set("fragment", "turns");
    sources.set(page, { url, busy: false });
    seen.observe(page);
    gone.observe(page);
  };
  function more(page) {
    const link = page.querySelector("[data-more]");
    if (!link) return;
    if (page.nextElementSibling?.classList.contains("page")) { link.closest("p").remove(); return; }
    const next = document.createElement("section");
    next.className = "page";
    next.dataset.empty = "1";
    link.closest("p").remove();
    page.after(next);
    next.style.setProperty("height", "240px");
    watch(next, new URL(link.href));
  }
  append = async (asked) => {
    const last = [...container.querySelectorAll(".page")].at(-1);
    const atEnd = window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 40;
    const inUse = last.contains(document.activeElement) || last.querySelector("details[open] form");
    if (last.dataset.empty || inUse || !(asked || atEnd)) return null;
    last.dataset.empty = "1";
    await fill(last);
    window.scrollTo(0, document.documentElement.scrollHeight);
    return last;
  };
  watch(container.querySelector(".page"), new URL(location.href));
  more(container.querySelector(".page"));
  follow(container, sources);
}

// The waterfall beside the turns is that of the page of turns in sight.
function follow(container, sources) {
  const first = container.querySelector(".page"), start = new URL(location.href);
  let shown = first, timer = 0;
  const show = async () => {
    const pages = [...container.querySelectorAll(".page")];
    const middle = window.innerHeight / 2;
    const atEnd = window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 2;
    const page = atEnd ? pages.at(-1) : pages.find((one) => one.getBoundingClientRect().bottom > middle);
    const fall = document.querySelector("aside .waterfall");
    if (!page || !fall || page === shown || page.dataset.empty) return;
    shown = page;
    const url = new URL(page === first ? start : sources.get(page).url);
    url.searchParams.set("fragment", "waterfall");
    url.searchParams.delete("zoom");
    const answer = await fetch(url, { headers: { accept: "text/html" } });
    if (!answer.ok || page !== shown) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".waterfall");
    fall.replaceWith(next);
    const here = new URL(location.href);
    if (here.searchParams.has("zoom")) { here.searchParams.delete("zoom"); history.replaceState(history.state, "", here); }
    zoom(next);
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(() => show().catch(() => {}), 300); };
  window.addEventListener("scroll", soon, { passive: true });
  container.addEventListener("filled", soon);
}

// A span opens beside the turns; its address stands in the URL.
export function spans(detail) {
  if (!detail) return;
  let opener = null;  // gets the focus back
  const open = async (url, push) => {
    if (!detail.contains(document.activeElement)) opener = document.activeElement;
    const part = new URL(url);
    part.searchParams.set("fragment", "span");
    const answer = await fetch(part);
    if (!answer.ok) { location.assign(url); return; }
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    detail.replaceChildren(...parsed.body.childNodes);
    localTimes(detail);
    copyButtons(detail);
    document.querySelectorAll(".wf[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    document.querySelectorAll(".wf").forEach((row) => { if (row.href === url) row.setAttribute("aria-current", "true"); });
    if (push) history.pushState({ span: url }, "", url);
    detail.closest("aside").scrollTop = 0;
    const drawer = detail.querySelector("#span");
    if (!drawer) return;
    drawer.tabIndex = -1;
    drawer.scrollIntoView({ block: "nearest" });
    drawer.focus({ preventScroll: true });
  };
  const close = () => {
    const row = document.querySelector(".wf[aria-current]"), had = detail.contains(document.activeElement);
    detail.replaceChildren();
    row?.removeAttribute("aria-current");
    if (had || document.activeElement === document.body)
      (opener?.isConnected && opener !== document.body ? opener : row)?.focus({ preventScroll: true });
    opener = null;
  };
  const leave = (link) => { history.pushState({}, "", link.href); close(); };
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a[data-span]");
    if (link) { event.preventDefault(); open(link.href, true); }
    const way = event.target.closest("a[data-close]");
    if (way) { event.preventDefault(); leave(way); }
  });
  document.addEventListener("keydown", (event) => {
    const way = detail.querySelector("a[data-close]"), { target } = event;
    if (event.key !== "Escape" || event.defaultPrevented || !way || target.closest("dialog")) return;
    if (target.matches("input, textarea") && target.value) return;  // what was written is not thrown away
    event.preventDefault();
    leave(way);
  });
  window.addEventListener("popstate", () => {
    if (new URL(location.href).searchParams.has("span")) open(location.href, false);
    else close();
  });
}
