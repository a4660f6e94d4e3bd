// What can be done on the present page: its buttons and links, found where they stand, so never more than is allowed.
const PLACES = [".mk-bulk.mk-on button[formaction]", "#head-actions :is(a, button[type=submit])", "a[data-view]", "[data-theme-toggle]"];

function label(element) {
  const copy = element.cloneNode(true);
  for (const kbd of copy.querySelectorAll("kbd, svg")) kbd.remove();
  return copy.textContent.trim().replace(/\s+/g, " ");
}

export function commands() {
  return PLACES.flatMap((place) => [...document.querySelectorAll(place)]).map((element) => ({
    label: label(element),
    icon: element.querySelector("svg")?.cloneNode(true),
    keys: element.dataset.keys ?? "",
    run: () => element.click(),
  }));
}
