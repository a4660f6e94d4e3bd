// Tabs above a list: the open one is in sight, and late numbers belong to the list that asked for them.
const show = () => document.querySelector(".mk-views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

document.addEventListener("htmx:afterSettle", (event) => event.detail.target?.id === "list" && show());
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!document.contains(event.detail.requestConfig.elt)) event.detail.shouldSwap = false;
});
show();
