// When the network or the server is gone: a line says so, nothing that was typed is lost, and what was asked last is
// asked again when the network is back. Who opens a page meanwhile sees the one that the browser keeps (core/web/offline).
const line = document.getElementById("offline");
let failed = null; // what htmx asked
let held = null; // what had the focus

function show(on) {
  if (!line || line.hidden === !on) return;
  if (on) held = document.activeElement;
  else if (line.contains(document.activeElement) || document.activeElement === document.body) held?.focus();
  line.hidden = !on;
}

function again() {
  const asked = failed;
  failed = null;
  if (asked?.elt.isConnected) window.htmx.ajax(asked.verb, asked.path, { source: asked.elt, target: asked.target });
}

document.addEventListener("htmx:sendError", (event) => {
  const asked = event.detail?.requestConfig;
  if (asked && (!failed || asked.triggeringEvent?.isTrusted)) failed = asked; // not what only keeps a number fresh
  show(true);
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (failed && event.detail?.requestConfig?.elt !== failed.elt) return;
  failed = null;
  show(false);
});
window.addEventListener("offline", () => show(true));
window.addEventListener("online", () => {
  show(false);
  if (failed?.verb === "get") again(); // what changes something waits for a hand
});

// A browser that sends a form without a network leaves the page, and with it what was typed.
document.addEventListener("submit", (event) => {
  if (navigator.onLine || event.target.closest("#offline")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  show(true);
  line.querySelector("button").focus();
}, true);

line?.addEventListener("click", (event) => {
  if (!event.target.closest("[data-again]")) return;
  show(!navigator.onLine);
  again();
});

const { worker } = document.body.dataset;
if (worker) window.addEventListener("load", () => navigator.serviceWorker?.register(worker, { scope: "/admin/" }).catch(() => null));
