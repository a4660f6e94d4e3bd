// Lists that a user puts in order: by dragging, or by the buttons "earlier" and "later" of each item, which without
// this module ask the server. Every step is sent at once; the page shows it already, and what it was when that fails.
import { draggable } from "./drag.js";
import { renewed } from "./session.js";
import { said, warn } from "./toast.js";

const form = document.querySelector("[data-arrange]");
const items = (list) => [...list.querySelectorAll(":scope > [data-item]")];
const toasts = document.getElementById("toasts");
let before = ""; // as it was when the dragging began
let kept = form && arrangement(); // what the server has
let isSending = false;
let isBehind = false;

// The present places and sizes: `put` shows them again.
function arrangement() {
  const lists = [...form.querySelectorAll("[data-list]")].map((list) => [list, items(list)]);
  const sizes = [...form.querySelectorAll("[data-size]")].map((select) => [select, select.value]);
  const put = () => {
    for (const [list, order] of lists) list.append(...order);
    for (const [select, value] of sizes) resize(Object.assign(select, { value }));
  };
  return { put, text: JSON.stringify([lists.map(([, order]) => order.map((item) => item.id)), sizes.map(([, value]) => value)]) };
}

function resize(select) {
  const item = select.closest("[data-item]");
  for (const option of select.options) item.classList.toggle(`mk-w-${option.value}`, option.selected);
}

function keep(item) {
  const list = item.closest("[data-list]");
  const order = items(list);
  const words = { name: item.dataset.title, place: order.indexOf(item) + 1, total: order.length };
  form.querySelector("[data-said]").textContent = form.dataset.moved.replace(/\{(\w+)\}/g, (all, name) => words[name]);
  send();
}

// One request at a time, so that the last step is the last that is kept.
async function send() {
  isBehind = isSending;
  if (isSending) return;
  isSending = true;
  const wanted = arrangement();
  const body = new FormData(form);
  body.set("act", "quiet");
  const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  isSending = false;
  if (answer?.status === 401 && (await renewed().catch(() => false))) return void send();
  if (answer?.status !== 204) return void putBack(answer);
  kept = wanted;
  if (isBehind) return void send();
  const menu = form.querySelector("[data-follows]");
  if (menu) window.htmx.trigger(menu, "kept");
}

async function putBack(answer) {
  const wanted = arrangement();
  kept.put();
  const again = document.createElement("button");
  Object.assign(again, { className: "mk-btn mk-btn-s", type: "button", textContent: toasts.dataset.again });
  const line = warn(answer ? said(await answer.text()) : toasts.dataset.error, again);
  again.addEventListener("click", () => {
    line.remove();
    wanted.put();
    send();
  });
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
  resize(event.target);
  keep(event.target.closest("[data-item]"));
});

if (form)
  draggable(
    "[data-arrange] [data-item]",
    () => (before = arrangement().text),
    (item) => arrangement().text !== before && keep(item),
  );

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
