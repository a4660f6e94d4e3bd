// Messages that pass float, wait while they are looked at and go after ten seconds; what went wrong stays until it is
// closed. Without this module all of them stand in the page.
const STAY = 10_000;
const STEP = 200;
const box = document.getElementById("toasts");
const left = new WeakMap(); // toast -> ms
let ticking = 0;

const passing = () => [...box.querySelectorAll("[data-passing]")];
const isHeld = () => document.hidden || box.matches(":hover, :focus-within");

function tick() {
  if (isHeld()) return;
  for (const toast of passing()) {
    const rest = (left.get(toast) ?? STAY) - STEP;
    left.set(toast, rest);
    if (rest <= 0) toast.remove();
  }
  if (passing().length) return;
  clearInterval(ticking);
  ticking = 0;
}

// What the server put into the page, or into the box itself, from now on passes.
export function float() {
  for (const message of document.querySelectorAll(".mk-main [data-passing]")) {
    message.removeAttribute("role"); // the box says it
    box.append(message);
  }
  if (!ticking && passing().length) ticking = setInterval(tick, STEP);
}

function close(toast) {
  const back = toast.contains(document.activeElement) && document.getElementById("main");
  toast.remove();
  if (back) back.focus();
}

document.addEventListener("click", (event) => {
  const toast = event.target.closest?.("[data-dismiss]")?.closest(".mk-alert");
  if (toast) close(toast);
});

// Before the modules that clear a selection or close the menu: one press closes one thing.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open], details[data-popup][open], .mk-side.mk-open")) return;
  const last = box.lastElementChild;
  if (!last) return;
  event.preventDefault();
  close(last);
});

// What a page of an error says, for those who asked for a part of a page.
export function said(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const texts = [...page.querySelectorAll("[data-said]")].map((part) => part.textContent.trim().replace(/[^.!?؟]$/, "$&."));
  return texts.join(" ") || box.dataset.error;
}

function made(template, text) {
  const line = document.getElementById(template).content.firstElementChild.cloneNode(true);
  line.querySelector("[data-text]").textContent = text;
  return line;
}

// A message of the browser's own that passes.
export function tell(text) {
  box.append(made("news", text));
  float();
}

// A message of the browser's own about what failed; `more`: a button in it.
export function warn(text, more) {
  const line = made("failure", text);
  if (more) line.querySelector("[data-text]").after(more);
  for (const other of box.querySelectorAll(".mk-bad")) if (other.textContent === line.textContent) other.remove();
  box.append(line);
  return line;
}

document.addEventListener("htmx:afterSettle", float);
float();
