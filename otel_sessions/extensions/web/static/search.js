// SPDX-License-Identifier: Apache-2.0
// Completion of fields and values in the search box, by the same routes that scripts use.
export function completion(form) {
  if (!form) return;
  const input = form.querySelector("input[type=search]");
  const api = form.action.replace(/\/sessions$/, "/api/v1");
  const list = document.createElement("ul");
  list.className = "suggest";
  list.id = "suggestions";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  input.after(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  let fields = null, chosen = -1, asked = 0;

  const word = () => {
    const before = input.value.slice(0, input.selectionStart ?? input.value.length);
    const start = before.search(/(?:[^\s()"]|"(?:[^"\\]|\\.)*"?)*$/);
    return { start, text: before.slice(start).replace(/^-/, "") };
  };
  const close = () => { list.hidden = true; chosen = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const put = (text) => {
    const { start } = word(), end = input.selectionStart ?? input.value.length;
    const minus = input.value.slice(start).startsWith("-") ? "-" : "";
    input.value = input.value.slice(0, start) + minus + text + input.value.slice(end);
    const place = start + minus.length + text.length;
    input.setSelectionRange(place, place);
    input.focus();
    close();
    if (/[:]$/.test(text)) suggest();
  };
  const show = (items) => {
    list.replaceChildren(...items.slice(0, 20).map(([text, more], number) => {
      const item = document.createElement("li");
      item.id = `suggestion-${number}`;
      item.setAttribute("role", "option");
      const name = document.createElement("span"), note = document.createElement("span");
      name.textContent = text; note.textContent = more; note.className = "faint";
      item.append(name, note);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); put(text); });
      item.dataset.text = text;
      return item;
    }));
    chosen = -1;
    list.hidden = !items.length;
    input.setAttribute("aria-expanded", String(Boolean(items.length)));
  };
  const quoted = (value) => /^[\p{L}\p{N}._\-/:@+]+$/u.test(value) ? value : `"${value.replace(/[\\"]/g, "\\$&")}"`;
  async function suggest() {
    const { text } = word(), turn = ++asked;
    fields ??= fetch(`${api}/query-fields`).then((answer) => answer.json()).then((body) => body.fields ?? []);
    const known = await fields;
    const found = /^([a-z_]+)[:=](.*)$/.exec(text);
    if (found) {
      const field = known.find((one) => (one.name ?? one.field) === found[1]);
      if (!field) { close(); return; }
      let values = field.values?.length ? field.values : null;
      if (!values) {
        const url = new URL(`${api}/facets`, location.href);
        url.searchParams.set("field", found[1]);
        url.searchParams.set("limit", "50");
        const answer = await fetch(url);
        if (!answer.ok) { close(); return; }
        values = (await answer.json()).values;
      }
      if (turn !== asked) return;
      const part = found[2].replace(/^"/, "").toLowerCase();
      show(values.map((one) => typeof one === "string" ? [one, ""] : [one.value, String(one.count)])
        .filter(([value]) => value && value.toLowerCase().includes(part))
        .map(([value, more]) => [`${found[1]}:${quoted(value)}`, more]));
      return;
    }
    if (turn !== asked) return;
    show(text ? known.map((one) => [one.name ?? one.field, one.type ?? ""]).filter(([name]) => name.startsWith(text)).map(([name, type]) => [/number|duration|time/.test(type) ? `${name}>` : name.endsWith(".") ? name : `${name}:`, type]) : []);
  }
  let timer = 0;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => suggest().catch(close), 120); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const items = [...list.children];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
      items.forEach((item, number) => item.setAttribute("aria-selected", String(number === chosen)));
      items[chosen].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", items[chosen].id);
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) {
      event.preventDefault();
      put(items[chosen].dataset.text);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
  });
}
