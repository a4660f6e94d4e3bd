// Selecting rows: the header box, a running count, "all that match" with exclusions, shift for a range.
const boxes = () => [...document.querySelectorAll('input[name="ids"][form="bulk"]')];
let last = null;

// Numbers in the digits of the user, and back.
export const shown = (number) => number.toLocaleString(document.documentElement.dataset.digits === "arab" ? "ar-u-nu-arab" : "en");
const latin = (text) => text.replace(/[,٬]/g, "").replace(/[٠-٩]/g, (digit) => digit.codePointAt(0) - 0x660);

function show() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  const rows = boxes();
  const on = rows.filter((box) => box.checked).length;
  const everything = bar.elements.everything.checked;
  const head = document.querySelector("[data-all]");
  head.checked = on > 0 && on === rows.length;
  head.indeterminate = on > 0 && on < rows.length;
  const total = document.querySelector("[data-count]")?.textContent ?? "…";
  const off = rows.length - on;
  const known = latin(total);
  const left = /^\d+$/.test(known) ? shown(Number(known) - off) : `${total} − ${shown(off)}`;
  const said = bar.querySelector("[data-selected]");
  const text = everything && !off ? said.dataset.whole : said.dataset.some;
  said.textContent = text.replace("{n}", everything ? left : shown(on)).replace("{total}", total);
  bar.classList.toggle("mk-on", on > 0 || everything);
}

function mark(value) {
  for (const box of boxes()) box.checked = value;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) mark(event.target.checked);
  else if (event.target.name === "everything") mark(event.target.checked);
  else if (!event.target.matches('input[name="ids"]')) return;
  if (event.target.matches("[data-all]") && !event.target.checked) {
    const bar = document.querySelector("[data-bulk]");
    if (bar) bar.elements.everything.checked = false;
  }
  show();
});

document.addEventListener("click", (event) => {
  const box = event.target.closest?.('input[name="ids"][form="bulk"]');
  if (box) {
    const rows = boxes();
    if (event.shiftKey && last && rows.includes(last)) {
      const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b);
      for (const one of rows.slice(from, to + 1)) one.checked = box.checked;
      show();
    }
    last = box;
  }
  if (event.target.closest?.("[data-unselect]")) clear();
});

function clear() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  bar.elements.everything.checked = false;
  mark(false);
  show();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open], details[data-popup][open]")) clear();
});

// Unchecked rows of the page are the exclusions of "all that match"; the server gets the query, never a list of ids.
document.addEventListener("formdata", (event) => {
  const bar = event.target;
  if (!bar.matches("[data-bulk]") || !bar.elements.everything.checked) return;
  event.formData.delete("ids");
  for (const box of boxes()) if (!box.checked) event.formData.append("excluded", box.value);
});

document.addEventListener("htmx:afterSettle", show);
window.addEventListener("pageshow", show);
show();
