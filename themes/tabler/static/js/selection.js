// Selecting rows: the header box, a running count, "all that match" with exclusions, shift for a range. What is selected is
// kept for the tab of the browser, so that it lasts over the pages and the order of one list, and over a look at a record.
import { tell } from "./toast.js";

const boxes = () => [...document.querySelectorAll('input[name="ids"][form="bulk"]')];
const nothing = () => ({ everything: false, ids: new Set() });
const key = `maktab.selected ${location.pathname}`;
let kept = null; // `ids`: those that are ticked; with `everything` those that are not
let last = null;

// Numbers in the digits of the user, and back.
export const shown = (number) => number.toLocaleString(document.documentElement.dataset.digits === "arab" ? "ar-u-nu-arab" : "en");
const latin = (text) => text.replace(/[,٬]/g, "").replace(/[٠-٩]/g, (digit) => digit.codePointAt(0) - 0x660);

function read() {
  try {
    const found = JSON.parse(sessionStorage.getItem(key));
    if (found?.user === document.body.dataset.user) return { ...found, ids: new Set(found.ids) };
  } catch {} // no storage, or not ours
  return nothing();
}

function write() {
  try {
    if (!kept.everything && !kept.ids.size) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify({ ...kept, ids: [...kept.ids], user: document.body.dataset.user }));
  } catch {} // full or switched off: it lasts as long as the page
}

const isOn = (box) => kept.everything !== kept.ids.has(box.value);

function put(box, on) {
  box.checked = on;
  if (on === kept.everything) kept.ids.delete(box.value);
  else kept.ids.add(box.value);
}

function mark(everything) {
  kept = { ...nothing(), everything, query: kept.query };
  for (const box of boxes()) box.checked = everything;
}

function number() {
  if (!kept.everything) return shown(kept.ids.size);
  const total = document.querySelector("[data-count]")?.textContent ?? "…";
  const known = latin(total);
  if (/^\d+$/.test(known)) return shown(Number(known) - kept.ids.size);
  return kept.ids.size ? `${total} − ${shown(kept.ids.size)}` : total;
}

function show() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  const rows = boxes();
  const on = rows.filter((box) => box.checked).length;
  const head = document.querySelector("[data-all]");
  head.checked = on > 0 && on === rows.length;
  head.indeterminate = on > 0 && on < rows.length;
  bar.elements.everything.checked = kept.everything;
  kept.number = number();
  const said = bar.querySelector("[data-selected]");
  const text = kept.everything && !kept.ids.size ? said.dataset.whole : said.dataset.some;
  const total = document.querySelector("[data-count]")?.textContent ?? "…";
  said.textContent = text.replace("{n}", kept.number).replace("{total}", total);
  bar.classList.toggle("mk-on", kept.everything || kept.ids.size > 0);
  document.dispatchEvent(new CustomEvent("selected", { detail: { everything: kept.everything, ids: [...kept.ids] } }));
  write();
}

// The same list again, or its next page: what is selected stays. Another filter, other records: it does not.
function restore() {
  const list = document.querySelector("#list[data-query]");
  if (!list) return;
  kept ??= read();
  const query = list.dataset.query.split("&").sort().join("&");
  if (kept.query !== query) {
    if (kept.everything || kept.ids.size) tell(list.dataset.givenUp.replace("{n}", kept.number));
    kept = { ...nothing(), query };
    write();
  }
  for (const box of boxes()) box.checked = isOn(box);
  show();
}

document.addEventListener("change", ({ target }) => {
  if (target.name === "everything" && target.matches("[data-bulk] *")) mark(target.checked);
  else if (target.matches("[data-all]") && kept.everything && !target.checked) mark(false);
  else if (target.matches("[data-all]")) for (const box of boxes()) put(box, target.checked);
  else if (target.matches('input[name="ids"][form="bulk"]')) put(target, target.checked);
  else return;
  show();
});

document.addEventListener("click", (event) => {
  const box = event.target.closest?.('input[name="ids"][form="bulk"]');
  if (box) {
    const rows = boxes();
    if (event.shiftKey && last && rows.includes(last)) {
      const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b);
      for (const one of rows.slice(from, to + 1)) put(one, box.checked);
      show();
    }
    last = box;
  }
  if (event.target.closest?.("[data-unselect]")) clear();
});

function clear() {
  if (!kept || !document.querySelector("[data-bulk]")) return;
  mark(false);
  show();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open], details[data-popup][open]")) clear();
});

// The server gets the listed records, those of other pages too; or the query with its exclusions, never a list of ids.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("[data-bulk]")) return;
  event.formData.delete("ids");
  for (const id of kept.ids) event.formData.append(kept.everything ? "excluded" : "ids", id);
});

// What was sent is not selected on the next page; a dialog that is closed instead sends nothing.
document.addEventListener("submit", ({ target, submitter }) => {
  const isSent = target.matches("[data-bulk]") ? !submitter?.matches("[data-dialog]") : target.closest("dialog");
  if (kept && isSent) sessionStorage.removeItem(key);
});
document.addEventListener("close", ({ target }) => kept && target.returnValue !== "sent" && write(), true);

document.addEventListener("htmx:afterSettle", restore);
window.addEventListener("pageshow", restore);
restore();
