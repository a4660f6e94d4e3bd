// Lists whose items are put in order: by their buttons (which also work as a form), or by dragging.
import { draggable } from "./drag.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-order] button[name=up], [data-order] button[name=down]");
  if (!button) return;
  event.preventDefault();
  const item = button.closest("li");
  const beside = button.name === "up" ? item.previousElementSibling : item.nextElementSibling;
  if (button.name === "up") beside?.before(item);
  else beside?.after(item);
  button.focus();
});

draggable("[data-order] > li");
