// The last row of a list that goes on by itself: when what follows does not come it says so and offers to try again. It
// tries by itself when the network is back, and while there is none every ten seconds.
import { said } from "./toast.js";

const AGAIN = 10_000;
const failed = () => document.querySelector(".mk-more[data-failed]");
const again = (row) => row && !row.classList.contains("htmx-request") && window.htmx.trigger(row, "again");

// In the capturing phase: the row says it, and no message floats.
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"])
  document.addEventListener(name, (event) => {
    const row = event.target.closest?.(".mk-more");
    if (!row) return;
    const isLost = name !== "htmx:responseError";
    if (!isLost) event.stopPropagation();
    show(row, isLost ? row.dataset.lost : said(event.detail.xhr.responseText));
    if (isLost) setTimeout(() => row.isConnected && again(row), AGAIN);
  }, true);

function show(row, text) {
  row.toggleAttribute("data-failed", Boolean(text));
  row.querySelector("[data-waits]").hidden = Boolean(text);
  row.querySelector("[data-fails]").hidden = !text;
  const line = row.querySelector("[role=alert]");
  if (line.textContent !== text) line.textContent = text; // the same is not said twice
}

document.addEventListener("click", (event) => {
  const row = event.target.closest?.("[data-more-again]")?.closest(".mk-more");
  if (!row) return;
  show(row, "");
  again(row);
});
window.addEventListener("online", () => again(failed()));
