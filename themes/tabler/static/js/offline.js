// When the network is gone: a line says so, nothing that was typed is lost, and the last request can be sent again.
const line = document.getElementById("offline");
let failed = null;

const show = (on) => line && (line.hidden = !on);

document.addEventListener("htmx:sendError", (event) => {
  failed = event.detail?.requestConfig ?? null;
  show(true);
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (failed && event.detail?.requestConfig?.elt === failed.elt) {
    failed = null;
    show(false);
  }
});
window.addEventListener("offline", () => show(true));
window.addEventListener("online", () => show(false));

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
  const again = failed;
  failed = null;
  if (again?.elt.isConnected) window.htmx.ajax(again.verb, again.path, { source: again.elt, target: again.target });
  show(!navigator.onLine);
});
