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

document.addEventListener("click", (event) => {
  const body = event.target.closest?.("[data-retry]")?.closest(".mk-w-b");
  if (body) window.htmx.trigger(body, "retry");
});
