// Lists that a user puts in order: by dragging, or by the buttons "earlier" and "later" of each item, which without
// this module ask the server. Every step is sent at once; the page shows it already.
const form = document.querySelector("[data-arrange]");
let dragged = null;

const items = (list) => [...list.querySelectorAll(":scope > [data-item]")];

async function keep(item) {
  const list = item.closest("[data-list]");
  const order = items(list);
  const words = { name: item.dataset.title, place: order.indexOf(item) + 1, total: order.length };
  form.querySelector("[data-said]").textContent = form.dataset.moved.replace(/\{(\w+)\}/g, (all, name) => words[name]);
  const body = new FormData(form);
  body.set("act", "quiet");
  const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) document.dispatchEvent(new CustomEvent("htmx:sendError"));
}

function move(item, by) {
  const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (by < 0) other.before(item);
  else other.after(item);
  keep(item);
}

form?.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=act]");
  const verb = button?.value.split(":")[0];
  const item = button?.closest("[data-item]");
  if (!item || (verb !== "earlier" && verb !== "later")) return;
  event.preventDefault();
  move(item, verb === "earlier" ? -1 : 1);
  button.focus();
});

form?.addEventListener("change", (event) => {
  if (!event.target.matches("[data-size]")) return;
  const item = event.target.closest("[data-item]");
  for (const option of event.target.options) item.classList.toggle(`mk-w-${option.value}`, option.selected);
  keep(item);
});

form?.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-item]");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.title);
  requestAnimationFrame(() => dragged?.classList.add("mk-dragged"));
});

form?.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-item]");
  const list = dragged?.parentElement;
  if (!list?.contains(event.target)) return;
  event.preventDefault();
  if (!over || over === dragged || over.parentElement !== list) return;
  const order = items(list);
  if (order.indexOf(over) < order.indexOf(dragged)) over.before(dragged);
  else over.after(dragged);
});

// The other buttons load the page anew: the focus stays at what was pressed, or at what takes its place.
const PRESSED = "maktab-arranged";
form?.addEventListener("submit", (event) => sessionStorage.setItem(PRESSED, event.submitter?.id ?? ""));
if (form) {
  const [verb, ...rest] = (sessionStorage.getItem(PRESSED) ?? "").split("-");
  sessionStorage.removeItem(PRESSED);
  const beside = { hide: "show", show: "hide" }[verb] ?? verb;
  const target = rest.length && document.getElementById([beside, ...rest].join("-"));
  if (target) window.addEventListener("load", () => target.focus()); // the address may name a place, which takes the focus
}

form?.addEventListener("drop", (event) => event.preventDefault());
form?.addEventListener("dragend", () => {
  dragged?.classList.remove("mk-dragged");
  if (dragged) keep(dragged);
  dragged = null;
});
