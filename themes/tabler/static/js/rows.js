// Rows of nested lists in a form: added and removed here; without this module the same buttons ask the server.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[name=add_row], button[name=remove_row]");
  if (!button) return;
  event.preventDefault();
  const list = button.closest("[data-rows]");
  const next = button.name === "add_row" ? add(list) : remove(list, button);
  list.querySelector(".mk-tw").hidden = !list.querySelector("tbody tr");
  list.querySelectorAll("tbody tr").forEach(number);
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
  list.querySelector("tbody").append(row);
  show(list.querySelector("[data-currency]")?.textContent);
  return row.querySelector("input, select");
}

function remove(list, button) {
  const row = button.closest("tr");
  if ([...row.querySelectorAll("[name]")].some((one) => one.defaultValue)) list.classList.add("mk-fewer");
  const beside = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  return (beside ?? list).querySelector("button[name=remove_row], button[name=add_row]");
}

// Keys of a spreadsheet: up and down in a column, and pasted cells fill the rows from here on.
const cells = (row) => [...row.querySelectorAll("td > input, td > select, td > .mk-picker > input")];

document.addEventListener("keydown", (event) => {
  const here = event.target.closest?.("[data-rows] tbody input");
  const way = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
  if (!here || !way || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  const row = here.closest("tr");
  if (!row[way]) return;
  event.preventDefault();
  const next = cells(row[way])[cells(row).indexOf(here)];
  next.focus();
  next.select?.();
});

document.addEventListener("paste", (event) => {
  const here = event.target.closest?.("[data-rows] tbody input");
  const text = event.clipboardData?.getData("text").replace(/\r?\n$/, "") ?? "";
  if (!here || !/[\t\n]/.test(text)) return;
  event.preventDefault();
  let row = here.closest("tr");
  const list = here.closest("[data-rows]");
  const first = cells(row).indexOf(here);
  for (const line of text.split(/\r?\n/)) {
    row ??= add(list).closest("tr");
    line.split("\t").forEach((value, place) => put(cells(row)[first + place], value.trim()));
    row = row.nextElementSibling;
  }
  list.querySelectorAll("tbody tr").forEach(number);
  here.dispatchEvent(new Event("input", { bubbles: true }));
});

function put(field, value) {
  if (!field) return;
  if (field.type === "checkbox") field.checked = /^(1|x|true|yes)$/i.test(value);
  else field.value = value;
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
