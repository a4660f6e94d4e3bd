// Rows in groups: a group folds, and what is written into a cell of its head goes into all of its rows.
import { columnOf, copy, fieldIn, rowsOf } from "./rows.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-fold]");
  if (!button) return;
  const folded = button.closest("[data-group]").classList.toggle("mk-folded");
  button.setAttribute("aria-expanded", String(!folded));
});

const beneath = (head) => {
  const column = columnOf(head.closest("td"));
  return rowsOf(head.closest("[data-group]")).map((row) => fieldIn(row, column)).filter(Boolean);
};

document.addEventListener("input", (event) => {
  const head = event.target.closest?.("[data-fill]");
  if (!head) return say(event.target.closest?.("[data-rows]"));
  for (const field of beneath(head)) copy(field, head.type === "checkbox" ? head.checked : head.value);
});

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
      head.placeholder = values.size > 1 ? head.dataset.different : one;
    }
  }
}

for (const list of document.querySelectorAll("[data-rows]")) say(list);
