// The keyboard: core's own commands, and every element of the page that says its keys (data-keys). The server knows what
// the user has chosen; a command works where its element stands, so the list that `?` shows is that of this page.
import { pressed } from "./keys.js";
import { openPalette } from "./palette.js";
import { editRow } from "./cells.js";
import { moveRow, row, selectRow } from "./walk.js";

const at = (selector) => document.querySelector(selector);
const press = (selector) => ({ get: () => at(selector), run: (element) => element.click() });
const focus = (selector) => ({ get: () => at(selector), run: (element) => element.focus() });
const submit = (selector) => ({ get: () => at(selector), run: (form) => form.requestSubmit() });
const onRow = (run) => ({ get: () => at("#main .mk-table tbody a[href]"), run });
const onBox = (run) => ({ get: () => at('input[name="ids"][form="bulk"]') && (row() ?? true), run });
const typed = () => document.activeElement?.closest("textarea");

const OWN = {
  palette: { get: () => at("#palette"), run: openPalette },
  help: { get: () => document.body.dataset.help, run: showHelp },
  close: { get: () => true },
  find: focus("[data-find]"),
  filter: { get: () => at(".mk-chip-add > summary"), run: openFilter },
  views: { get: () => at("a[data-view]") },
  next_row: onRow(() => moveRow(1)),
  previous_row: onRow(() => moveRow(-1)),
  open: onRow(),
  select: onBox(() => selectRow(false)),
  range: onBox(() => selectRow(true)),
  cell: { get: () => at("tr[data-record] td[data-cell]"), run: () => editRow(row()) },
  all: { get: () => at("[data-bulk] [name=everything]"), run: (box) => box.checked || box.click() },
  previous: press("a[rel=prev]"),
  next: press("a[rel=next]"),
  edit: press("a[data-edit]"),
  note: focus("#f-note"),
  save: submit("form[data-form]"),
  post: { get: () => at("form textarea"), run: () => typed()?.form.requestSubmit() },
};
const own = JSON.parse(document.body.dataset.shortcuts ?? "{}");
const keyed = () => [...document.querySelectorAll("[data-keys]")];

// {run} of the command that `keys` mean here, or null.
function meant(keys) {
  const name = Object.keys(own).find((one) => own[one] === keys && OWN[one]?.run);
  const target = name && OWN[name].get();
  if (target) return { name, run: () => OWN[name].run(target) };
  const element = keyed().find((one) => one.dataset.keys === keys);
  if (element) return { run: () => element.click() };
  const view = own.views && /^[1-9]$/.test(keys) && document.querySelectorAll("a[data-view]")[keys - 1];
  return view ? { run: () => view.click() } : null;
}

const begins = (key) => [...Object.values(own), ...keyed().map((one) => one.dataset.keys)].some((keys) => keys.startsWith(`${key} `));

let first = "";
let forgetting = 0;
function keep(key) {
  first = key;
  clearTimeout(forgetting);
  if (key) forgetting = setTimeout(() => (first = ""), 2000);
}

const isField = (element) => element.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const INSIDE = ["palette", "save", "post"]; // what works while one types, and in a dialog
const ALONE = ["post"];

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const key = pressed(event);
  if (!key) return;
  const command = (first && meant(`${first} ${key}`)) || meant(key);
  const isBusy = isField(event.target) ? INSIDE : null;
  const allowed = at("dialog[open]") ? ALONE : isBusy;
  if (allowed && !allowed.includes(command?.name)) return keep("");
  if (!command) return keep(!event.repeat && begins(key) ? key : "");
  keep("");
  event.preventDefault();
  command.run();
});

function openFilter(summary) {
  summary.focus();
  if (!summary.parentElement.open) summary.click();
}

const isHere = (name) => (OWN[name] ? own[name] && OWN[name].get() : keyed().some((one) => one.dataset.command === name));

async function showHelp(address) {
  const dialog = document.createElement("dialog");
  dialog.className = "mk-dialog mk-keys";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  document.body.append(dialog);
  await htmx.ajax("GET", address, { target: dialog });
  if (!dialog.firstElementChild) return void dialog.remove();
  for (const line of dialog.querySelectorAll("[data-name]")) line.hidden = !isHere(line.dataset.name);
  for (const group of dialog.querySelectorAll("[data-group]")) group.hidden = !group.querySelector("[data-name]:not([hidden])");
  asOnMac(dialog);
  dialog.showModal();
  dialog.scrollTop = 0; // the button that has the focus is the last thing in it
}

// In the command bar a lone `?` asks for the list, as its foot says.
at("#palette-q")?.addEventListener("input", (event) => {
  if (!["?", "؟"].includes(event.target.value)) return;
  event.target.value = "";
  at("#palette").close();
  showHelp(document.body.dataset.help);
});

function asOnMac(root) {
  if (!/Mac|iP(hone|ad)/.test(navigator.platform)) return;
  for (const mark of root.querySelectorAll("kbd")) mark.textContent = mark.textContent.replace("Ctrl", "⌘");
}
asOnMac(document);
