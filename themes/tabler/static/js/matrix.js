// Rows in groups: a group folds, rows are selected, and what is written into a cell of a head goes into all of its rows.
import { columnOf, copy, fieldIn, rowsOf } from "./rows.js";
import { shown } from "./selection.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-fold]");
  if (!button) return;
  const folded = button.closest("[data-group]").classList.toggle("mk-folded");
  button.setAttribute("aria-expanded", String(!folded));
});

const isChosen = (row) => row.querySelector("[data-choose]")?.checked;
const rowsUnder = (head) => {
  const group = head.closest("[data-group]");
  return group ? rowsOf(group) : rowsOf(head.closest("[data-rows]")).filter(isChosen);
};
const beneath = (head) => {
  const column = columnOf(head.closest("td"));
  return rowsUnder(head).map((row) => fieldIn(row, column)).filter(Boolean);
};

document.addEventListener("input", ({ target }) => {
  if (target.matches?.("[data-choose-all]"))
    for (const row of rowsOf(target.closest("[data-group], table"))) row.querySelector("[data-choose]").checked = target.checked;
  if (!target.matches?.("[data-fill]")) return choose(target.closest?.("[data-rows]"));
  for (const field of beneath(target)) copy(field, target.type === "checkbox" ? target.checked : target.value);
});

// The boxes of groups and of all rows follow those of the rows; above the rows stand the cells that fill the selected ones.
function choose(list) {
  const bar = list?.querySelector("[data-chosen]");
  if (!bar) return;
  for (const box of list.querySelectorAll("[data-choose-all]")) {
    const rows = rowsOf(box.closest("[data-group], table"));
    const on = rows.filter(isChosen).length;
    box.checked = on > 0 && on === rows.length;
    box.indeterminate = on > 0 && on < rows.length;
  }
  const many = rowsOf(list).filter(isChosen).length;
  const place = bar.querySelector("[data-text]");
  place.textContent = many ? place.dataset.text.replace("{n}", shown(many)) : "";
  const line = list.querySelector("[data-said]");
  if (line.textContent !== place.textContent) line.textContent = place.textContent;
  bar.hidden = !many;
  say(list);
}

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("[data-fill]")) say(event.target.closest("[data-rows]"));
});

// What the rows of each group have in common, as the hint of the cell above them.
function say(list) {
  for (const head of list?.querySelectorAll("[data-fill]") ?? []) {
    const values = new Set(beneath(head).map((field) => (field.type === "checkbox" ? field.checked : field.value.trim())));
    const [one] = values;
    if (head.type === "checkbox") {
      head.checked = values.size === 1 && one;
      head.indeterminate = values.size > 1;
    } else {
      head.value = "";
      head.placeholder = values.size > 1 ? head.dataset.different : (one ?? "");
    }
  }
}

for (const list of document.querySelectorAll("[data-rows]")) say(list);
