// SPDX-License-Identifier: Apache-2.0
// Keys: j and k walk, Enter opens, / searches, s stars, t jumps between a turn and its rows in the waterfall,
// + and - judge a turn, 1 to 9 judge the session in a review, n goes on in it, ? helps.
export function keys() {
  const help = document.getElementById("help");
  if (location.hash === "#query") document.getElementById("query")?.focus();
  const button = document.querySelector("[data-help]");
  if (button) { button.hidden = false; button.addEventListener("click", () => help.showModal()); }
  const ROW = "table[data-keys] tbody tr, #turns[data-keys] .turn";
  let current = null;
  const here = () => document.activeElement.closest(ROW) ?? current;
  const bar = () => document.activeElement.closest("a.wf");
  const traceOf = (row) => new URL(row.href).searchParams.get("span").split(".")[0];
  const barOf = (turn) => [...document.querySelectorAll("a.wf:not([hidden])")].find((row) => turn?.id === `turn-${traceOf(row)}`);
  const walk = (all, at) => all[Math.max(0, Math.min(all.length - 1, at))];
  const go = (step) => {
    if (bar()) {
      const bars = [...document.querySelectorAll("a.wf:not([hidden])")];
      walk(bars, bars.indexOf(bar()) + step).focus();
      return;
    }
    const all = [...document.querySelectorAll(ROW)], from = here();
    if (!all.length) return;
    if (from && !from.isConnected) mark(walk(all, all.findIndex((row) => row.getBoundingClientRect().bottom > 0)));  // its page was emptied
    else mark(walk(all, all.indexOf(from) + step));
  };
  const mark = (row) => {
    current?.removeAttribute("data-current");
    current = row;
    current.setAttribute("data-current", "");
    current.scrollIntoView({ block: "nearest" });
    const link = current.matches("tr") && current.querySelector("td.title a");
    if (!link) current.tabIndex = -1;  // what is read out, and where Tab goes on, is the turn that the mark is on
    (link || current).focus({ preventScroll: true });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    switch (event.key) {
      case "j": go(1); break;
      case "k": go(-1); break;
      case "/": {
        const box = document.getElementById("query"), list = document.querySelector("a.brand");
        if (!box && !list) return;
        if (box) box.focus(); else location.assign(`${list.href}#query`);
        break;
      }
      case "s": (current?.querySelector("form[data-star] button") ?? document.querySelector(".head form[data-star] button"))?.click(); break;
      case "1": case "2": case "3": case "4": case "5": case "6": case "7": case "8": case "9": {
        const button = document.querySelector(`[data-key="${event.key}"]`);
        if (!button) return;
        button.click();
        break;
      }
      case "n": document.querySelector("[data-next]")?.click(); break;
      case "+": current?.querySelector(".thumbs button")?.click(); break;
      case "-": current?.querySelector(".thumbs button + button")?.click(); break;
      case "t": {
        const row = bar(), turns = document.getElementById("turns");
        if (row && turns) {
          mark(document.getElementById(`turn-${traceOf(row)}`) ?? turns.querySelector(".turn"));
          break;
        }
        (barOf(here()) ?? document.querySelector("a.wf:not([hidden])"))?.focus();
        break;
      }
      case "Enter": {
        if (!event.target.matches(".turn")) return;
        (event.target.querySelector("a[data-span]") ?? barOf(event.target))?.click();
        break;
      }
      case "?": help?.showModal(); break;
      default: return;
    }
    event.preventDefault();
  });
}
