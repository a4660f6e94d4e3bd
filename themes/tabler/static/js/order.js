// Lists whose items are put in order: by their buttons (which also work as a form), or by dragging.
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

let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-order] > li");
  if (dragged) event.dataTransfer.effectAllowed = "move";
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.("[data-order] > li");
  if (!over || over.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  if (over !== dragged) over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
});
document.addEventListener("dragend", () => (dragged = null));
