// Behaviour of every page, by data attributes; htmx swaps parts, so everything listens on the document.
import { said, warn } from "./toast.js";
import { closePopup } from "./popups.js";
import "./bulk.js"; // hears what the next one says
import "./selection.js";
import "./offline.js";
import "./more.js";
import "./ask.js";
import "./session.js";
import "./matrix.js"; // before the module that looks at what it has filled in
import "./forms.js";
import "./focus.js"; // after what has a better place for it
import "./picker.js";
import "./cells.js";
import "./look.js";
import "./palette.js";
import "./shortcuts.js";
import "./order.js";
import "./tabs.js";

const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

let wasInside = false;

document.addEventListener("click", (event) => {
  if (closest(event, "[data-menu]")) {
    const open = document.querySelector(".mk-side").classList.toggle("mk-open");
    document.querySelector(".mk-menu").setAttribute("aria-expanded", String(open));
    (open ? document.querySelector(".mk-side-close") : document.querySelector(".mk-menu")).focus();
  }
  if (closest(event, "[data-clear-find]")) {
    const find = document.querySelector("[data-find]");
    if (find) find.value = closest(event, "[data-clear-find]").dataset.clearFind;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (event.target.matches?.("[data-find]")) {
      event.preventDefault(); // a browser would empty it, and the keys of the list rest until it is left
      event.target.blur();
    } else if (!closePopup() && document.querySelector(".mk-side.mk-open")) {
      document.querySelector(".mk-menu").click();
    }
  }
});

// What had the focus is gone from a list that came anew: the focus goes to its filters, not to the start of the page.
// Late numbers may be swapped in before the list has settled: they do not undo it.
document.addEventListener("htmx:beforeSwap", ({ detail }) => (wasInside ||= detail.target.contains(document.activeElement)));
document.addEventListener("htmx:afterSettle", () => {
  if (wasInside && document.activeElement === document.body) document.querySelector("[data-next-focus]")?.focus({ preventScroll: true });
  wasInside = false;
});

// A request of htmx that failed says so; the page stays as it was.
document.addEventListener("htmx:responseError", ({ detail }) => {
  const isRead = detail.xhr.status >= 500 && detail.requestConfig.verb === "get" && document.contains(detail.elt);
  const button = isRead && again(detail);
  const line = warn(said(detail.xhr.responseText), button);
  if (button) button.addEventListener("click", () => line.remove());
});

// The same request once more, for what only reads.
function again({ elt, target, requestConfig }) {
  const button = document.createElement("button");
  button.className = "mk-btn mk-btn-s";
  button.type = "button";
  button.textContent = document.getElementById("toasts").dataset.again;
  button.addEventListener("click", () => htmx.ajax("get", requestConfig.path, { source: elt, target }));
  return button;
}

// The names of the files that a note will carry.
document.addEventListener("change", (event) => {
  const files = event.target.closest?.("form")?.querySelector("[data-files]");
  if (!files || event.target.type !== "file") return;
  files.textContent = [...event.target.files].map((one) => one.name).join(", ");
  files.hidden = !files.textContent;
});

// A browser that has left the page with a form shows that it does; a second press sends nothing twice.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.getAttribute("aria-busy") === "true") return event.preventDefault();
  for (const one of [event.target, event.submitter]) one?.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const one of document.querySelectorAll("form[aria-busy], form [aria-busy]")) one.removeAttribute("aria-busy");
});
