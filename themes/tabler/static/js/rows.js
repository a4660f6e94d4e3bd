// Rows of nested lists in a form: added and removed here; without this module the same buttons ask the server.
export const rowsOf = (list) => [...list.querySelectorAll("tbody tr:not([data-head])")];
export const columnOf = (cell) => [...cell.parentElement.cells].slice(0, cell.cellIndex).reduce((sum, one) => sum + one.colSpan, 0);
const cellAt = (row, column) => [...(row?.cells ?? [])].find((cell) => columnOf(cell) === column);
export const fieldIn = (row, column) => cellAt(row, column)?.querySelector("input:not([readonly], [type=hidden]), select");

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[name=add_row], button[name=remove_row]");
  if (!button) return;
  event.preventDefault();
  const list = button.closest("[data-rows]");
  const next = button.name === "add_row" ? add(list) : remove(list, button);
  list.querySelector(".mk-tw").hidden = !rowsOf(list).length;
  rowsOf(list).forEach(number);
  next.focus();
  next.dispatchEvent(new Event("input", { bubbles: true }));
});

function add(list) {
  const used = [...list.querySelectorAll("button[name=remove_row]")].map((one) => Number(one.value.split(".").pop()));
  const number = Math.max(-1, ...used) + 1;
  const row = list.querySelector("template").content.querySelector("tr").cloneNode(true);
  for (const part of row.querySelectorAll("[name], [id]")) {
    for (const name of ["id", "name", "value", "aria-controls"]) {
      const text = part.getAttribute(name);
      if (text) part.setAttribute(name, text.replace("{n}", number));
    }
  }
  row.dataset.new = "";
  ungrouped(list).append(row);
  show(list.querySelector("[data-currency]")?.textContent);
  return row.querySelector("td :is(input:not([type=hidden]), select)");
}

// New rows stand at the end, in no group until the form comes back.
function ungrouped(list) {
  const last = [...list.querySelectorAll("tbody")].pop();
  if (!last.matches("[data-group]")) return last;
  const body = document.createElement("tbody");
  last.after(body);
  return body;
}

function remove(list, button) {
  const row = button.closest("tr");
  if ([...row.querySelectorAll("[name]")].some((one) => one.defaultValue)) list.classList.add("mk-fewer");
  const all = rowsOf(list);
  const at = all.indexOf(row);
  const body = row.closest("[data-group]");
  row.remove();
  if (body && !rowsOf(body).length) body.remove();
  return (all[at + 1] ?? all[at - 1] ?? list).querySelector("button[name=remove_row], button[name=add_row]");
}

// Keys of a spreadsheet: up and down in a column, the cell above taken over, and pasted cells fill the rows from here on.
const WAYS = { ArrowUp: -1, ArrowDown: 1 };

document.addEventListener("keydown", (event) => {
  const here = event.target.closest?.("[data-rows] tbody td :is(input, select)");
  if (!here || event.defaultPrevented || event.altKey) return;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && event.key.toLowerCase() === "d") fillDown(event, here);
  else if (WAYS[event.key] && !isCommand && here.matches("input")) step(event, here, WAYS[event.key]);
});

// To the next row that has a field here and is seen: those of a folded group are passed over.
function step(event, here, way) {
  const all = [...here.closest("[data-rows]").querySelectorAll("tbody tr")];
  const at = all.indexOf(here.closest("tr"));
  const rows = way < 0 ? all.slice(0, at).reverse() : all.slice(at + 1);
  const column = columnOf(here.closest("td"));
  const next = rows.filter((row) => row.offsetParent).map((row) => cellAt(row, column)?.querySelector("input:not([type=hidden]), select")).find(Boolean);
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.select?.();
}

function fillDown(event, here) {
  event.preventDefault();
  const all = rowsOf(here.closest("[data-rows]"));
  const above = fieldIn(all[all.indexOf(here.closest("tr")) - 1], columnOf(here.closest("td")));
  if (!above || here.readOnly) return;
  copy(here, above.type === "checkbox" ? above.checked : above.value);
  here.dispatchEvent(new Event("input", { bubbles: true }));
}

export function copy(field, value) {
  if (field.type === "checkbox") field.checked = value;
  else field.value = value;
}

document.addEventListener("paste", (event) => {
  const here = event.target.closest?.("[data-rows] tbody tr:not([data-head]) td input");
  const text = event.clipboardData?.getData("text").replace(/\r?\n$/, "") ?? "";
  if (!here || !/[\t\n]/.test(text)) return;
  event.preventDefault();
  const list = here.closest("[data-rows]");
  const first = columnOf(here.closest("td"));
  let at = rowsOf(list).indexOf(here.closest("tr"));
  for (const line of text.split(/\r?\n/)) {
    const row = rowsOf(list)[at++] ?? add(list).closest("tr");
    line.split("\t").forEach((value, place) => put(fieldIn(row, first + place), value.trim()));
  }
  rowsOf(list).forEach(number);
  here.dispatchEvent(new Event("input", { bubbles: true }));
});

function put(field, value) {
  if (field) copy(field, field.type === "checkbox" ? /^(1|x|true|yes)$/i.test(value) : value);
}

function number(row, place) {
  for (const mark of row.querySelectorAll("[data-place]")) mark.textContent = place + 1;
}

// Beside amounts stands the currency that the form itself says.
function show(currency) {
  for (const mark of document.querySelectorAll("[data-currency]")) mark.textContent = currency;
  for (const cell of document.querySelectorAll("[data-unit]")) cell.dataset.unit = currency;
}

document.addEventListener("input", (event) => {
  const typed = event.target.matches("[data-form] [name=currency]") ? event.target.value.trim().toUpperCase() : "";
  if (typed.length === 3) show(typed);
});
