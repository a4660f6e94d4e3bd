// Cells of a list that are edited in place: a click, or the key of the command, asks the server for the form's own input;
// Enter and leaving it save, Tab goes on to the next cell, Esc takes it away. Without this module the form serves.
const plain = new Map(); // "id name" -> the cell as it was, for Esc
let saving = Promise.resolve();
let early = null; // what is typed while a cell is on its way: text of that cell, no shortcuts
const inputOf = (form) => form.querySelector("input:not([type=hidden]), select, textarea");
const isChanged = (one) => (one.type === "checkbox" ? one.checked !== one.defaultChecked : one.options ? !one.selectedOptions[0]?.defaultSelected : one.value !== one.defaultValue);
const rowOf = (id) => document.querySelector(`tr[data-record="${id}"]`);
const cellsOf = (row) => [...row.querySelectorAll("td[data-cell]")];
const named = (row, name) => cellsOf(row).find((one) => one.dataset.cell === name);

export const editRow = (row) => {
  const chosen = row?.matches("[data-record]") ? row : row ? null : document.querySelector("tr[data-record]");
  if (chosen) open(chosen.dataset.record, cellsOf(chosen)[0].dataset.cell);
};

async function open(id, name) {
  await saving; // a row that is being saved is drawn anew
  const cell = rowOf(id) && named(rowOf(id), name);
  if (!cell || cell.querySelector("form")) return;
  const { cells, in: list } = cell.closest("table").dataset;
  early = "";
  await request("get", `${cells}${id}/cells/${name}`, cell, cell, { in: list });
  const typed = early;
  early = null;
  const made = rowOf(id) && named(rowOf(id), name);
  if (!made?.querySelector("form")) return;
  plain.set(`${id} ${name}`, cell);
  focus(made, typed);
}

// The answer takes the place of `target`, as the list says (hx-swap); what fails says the page.
const request = (verb, address, source, target, values) => htmx.ajax(verb, address, { source, target, values }).catch(() => null);

// A cell that is refused comes back as an input, with why.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const form = detail.requestConfig.elt;
  if (!form.matches?.(".mk-cell > form") || ![409, 422].includes(detail.xhr.status) || !detail.serverResponse.includes('"mk-cell"')) return;
  Object.assign(detail, { shouldSwap: true, isError: false, target: form.closest("td") });
});

function focus(cell, typed) {
  const input = inputOf(cell.querySelector("form"));
  input.focus();
  input.select?.();
  if (!typed || !input.select) return;
  input.value = typed;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function leave(form, isFocused) {
  const cell = form.closest("td");
  const row = cell.closest("tr");
  form.dataset.done = "";
  cell.replaceWith(plain.get(`${row.dataset.record} ${cell.dataset.cell}`));
  if (isFocused) row.querySelector("a.mk-key")?.focus();
}

// `step`: 1 or -1 to go on to a cell beside it, 0 to stay in the row, null where the focus is elsewhere already.
async function save(form, step) {
  if ("done" in form.dataset || !navigator.onLine) return; // js/offline.js says so, and the input stays
  const cell = form.closest("td");
  const id = cell.closest("tr").dataset.record;
  const all = cellsOf(cell.closest("tr"));
  const beside = step ? all[all.indexOf(cell) + step]?.dataset.cell : "";
  const isRefused = form.querySelector(".mk-err") && !isChanged(inputOf(form));
  // Only Enter says that ours goes over what somebody else wrote, or that the same is tried again.
  if (step !== 0 && (isRefused || form.querySelector("[data-clash]"))) return void (beside && open(id, beside));
  if (!isChanged(inputOf(form)) && !isRefused) leave(form, step !== null && !beside);
  else {
    saving = send(form, id);
    await saving;
    const row = rowOf(id);
    const left = row && named(row, cell.dataset.cell);
    if (!left) return;
    if (left.querySelector("form")) return void (step !== null && focus(left));
    if (step !== null && !beside) row.querySelector("a.mk-key")?.focus();
  }
  if (beside) open(id, beside);
}

async function send(form, id) {
  const row = form.closest("tr");
  const isPicked = row.querySelector('input[name="ids"]')?.checked;
  form.dataset.done = "";
  await request("post", form.action, form, row);
  delete form.dataset.done; // it is still there when the server did not answer
  const box = rowOf(id)?.querySelector('input[name="ids"]');
  if (box && isPicked && !box.checked) box.click();
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest?.("tr[data-record] td[data-cell]");
  if (!cell || event.defaultPrevented || event.target.closest("a, button, input, select, textarea, form") || String(getSelection())) return;
  open(cell.closest("tr").dataset.record, cell.dataset.cell);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.(".mk-cell > form");
  if (!form) return;
  event.preventDefault();
  save(form, 0);
});

document.addEventListener(
  "keydown",
  (event) => {
    if (early === null || event.key.length > 1 || event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, select, textarea")) return;
    early += event.key;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);

document.addEventListener(
  "keydown",
  (event) => {
    const form = event.target.closest?.(".mk-cell > form");
    if (!form || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") leave(form, true);
    else if (event.key === "Tab") save(form, event.shiftKey ? -1 : 1);
    else if (event.key === "Enter" && event.target.matches("select, [type=checkbox]")) save(form, 0);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);

// Known as a save at once: a click that left the form opens its own cell only afterwards.
document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.(".mk-cell > form");
  if (!form || !document.hasFocus() || form.contains(event.relatedTarget)) return;
  saving = new Promise((go) => setTimeout(go)).then(() => document.contains(form) && save(form, null));
});
