// A card whose content did not come keeps its place and offers to try again; the others are not disturbed.
const home = document.querySelector("[data-home]");

for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"])
  home?.addEventListener(name, (event) => {
    const body = event.target.closest(".mk-w-b");
    if (!body) return;
    event.stopPropagation(); // no toast: the card itself says it
    body.removeAttribute("aria-busy");
    body.querySelector(".mk-skeleton")?.remove();
    body.querySelector(".mk-w-failed")?.removeAttribute("hidden");
  });

// For js/reserve.js, when all cards have come.
home?.addEventListener("htmx:afterSettle", () => {
  if (home.querySelector("[aria-busy]")) return;
  const heights = Object.fromEntries([...home.querySelectorAll(".mk-w")].map((card) => [card.id, card.querySelector(".mk-w-b").getBoundingClientRect().height]));
  try {
    localStorage.setItem("maktab.cards", JSON.stringify({ width: innerWidth, heights }));
  } catch {} // storage that is shut off
});

document.addEventListener("click", (event) => {
  const body = event.target.closest?.("[data-retry]")?.closest(".mk-w-b");
  if (body) window.htmx.trigger(body, "retry");
});
