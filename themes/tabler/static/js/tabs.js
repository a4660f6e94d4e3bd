// Tabs above a list: the open one is in sight, and late numbers belong to the list that asked for them.
// The strip alone moves: the page stays where Back has put it.
const show = () => {
  const tab = document.querySelector(".mk-views [aria-current]");
  if (!tab) return;
  const [strip, at] = [tab.parentElement.getBoundingClientRect(), tab.getBoundingClientRect()];
  tab.parentElement.scrollLeft += Math.max(0, at.right - strip.right) + Math.min(0, at.left - strip.left);
};

document.addEventListener("htmx:afterSettle", (event) => event.detail.target?.id === "list" && show());
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!document.contains(event.detail.requestConfig.elt)) event.detail.shouldSwap = false;
});
show();

// What was asked of a list last is what it shows (hx-sync): a search that still waits for another letter is not sent when
// a link of the list was pressed meanwhile.
let isLeft = false;
for (const name of ["input", "submit"])
  document.addEventListener(name, (event) => event.target.closest?.("#find") && (isLeft = false), true);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("#list :is([hx-boost] a, a[hx-boost])")) isLeft = true;
});
document.addEventListener("htmx:confirm", (event) => event.detail.elt.id === "find" && isLeft && event.preventDefault());

// A table that has room scrolls with the page, its heads staying in sight; one that is too wide scrolls within its box.
const fit = () => {
  for (const box of document.querySelectorAll(":is(#list, [data-rows]) .mk-tw")) box.classList.toggle("mk-fits", box.scrollWidth <= box.clientWidth);
};
document.addEventListener("htmx:afterSettle", fit);
window.addEventListener("resize", fit);
fit();

// The menu of filters: its list shrinks to what fits the text; Enter opens the first one.
const fits = (menu, text) => {
  const shown = [];
  for (const one of menu.querySelectorAll(":scope > details")) {
    one.hidden = !one.querySelector("summary").textContent.toLocaleLowerCase().includes(text.trim().toLocaleLowerCase());
    if (!one.hidden) shown.push(one);
  }
  return shown;
};
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-narrow]")) fits(event.target.closest(".mk-filter-list"), event.target.value);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("[data-narrow]")) return;
  event.preventDefault();
  const [first] = fits(event.target.closest(".mk-filter-list"), event.target.value);
  if (!first) return;
  first.open = true;
  first.querySelector("form :is(input:not([type=hidden]), select, a, button)").focus();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.matches?.(".mk-filter-list")) event.target.querySelector("[data-narrow]")?.focus();
});

// Space on a row in focus looks into its record without leaving the list.
document.addEventListener("keydown", (event) => {
  const peek = event.code === "Space" && event.target.matches?.("a.mk-key") && event.target.closest("td").querySelector(".mk-peek");
  if (!peek) return;
  event.preventDefault();
  peek.click();
});
