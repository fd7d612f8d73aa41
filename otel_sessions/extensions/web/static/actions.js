// SPDX-License-Identifier: Apache-2.0
// Buttons that act in place.
export function copyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy-link]"))
    button.dataset.copy = new URL(button.dataset.copyLink, location.href).href;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.classList.remove("unseen");
    button.closest("[data-copies]")?.removeAttribute("hidden");
    button.addEventListener("click", async () => {
      const label = button.textContent;
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = label; }, 1500);
    });
  }
}

// Esc closes the menu or form that was opened last, and gives the focus back to what opened it.
export function menus() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.target.closest("dialog")) return;
    const within = "details:is(.menu, .remark)[open]";
    const menu = event.target.closest(within) ?? [...document.querySelectorAll(within)].at(-1);
    if (!menu) return;
    event.preventDefault();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

export function stars(root) {
  for (const form of root.querySelectorAll("form[data-star]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      const data = new URLSearchParams(new FormData(form));
      data.set(button.name, button.value);
      const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual" });
      if (!answer.ok && answer.type !== "opaqueredirect") { form.submit(); return; }
      const on = button.value === "1";
      button.value = on ? "0" : "1";
      button.textContent = on ? "★" : "☆";
      button.setAttribute("aria-pressed", String(on));
    });
  }
}
