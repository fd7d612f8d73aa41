// SPDX-License-Identifier: Apache-2.0
// Keys: j and k walk, Enter opens, / searches, s stars, t jumps between turns and waterfall,
// + and - judge a turn, 1 to 9 judge the session in a review, n goes on in it, ? helps.
export function keys() {
  const help = document.getElementById("help");
  if (location.hash === "#query") document.getElementById("query")?.focus();
  const button = document.querySelector("[data-help]");
  if (button) { button.hidden = false; button.addEventListener("click", () => help.showModal()); }
  const rows = () => [...document.querySelectorAll("table[data-keys] tbody tr, #turns[data-keys] .turn")];
  let current = null;
  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    current?.removeAttribute("data-current");
    let at = all.indexOf(current) + step;
    if (current && !current.isConnected) at = all.findIndex((row) => row.getBoundingClientRect().bottom > 0);  // its page was emptied
    current = all[Math.max(0, Math.min(all.length - 1, at))];
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
        const fall = document.getElementById("waterfall");
        if (!fall) return;
        const inside = fall.contains(document.activeElement);
        (inside ? document.querySelector("#turns a") : fall.querySelector("a.wf"))?.focus();
        (inside ? document.getElementById("turns") : fall).scrollIntoView({ block: "nearest" });
        break;
      }
      case "?": help?.showModal(); break;
      default: return;
    }
    event.preventDefault();
  });
}
