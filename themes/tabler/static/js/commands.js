// What can be done on the present page, and by the menu of the account on each: buttons and links, found where they stand,
// so never more than is allowed. The server's results name the account's pages.
const HERE = [".mk-bulk.mk-on button[formaction]", "#head-actions :is(a, button[type=submit])", "a[data-view]", "[data-theme-toggle]"];
const ACCOUNT = ["[data-account] button[type=submit]"];

function label(element) {
  const copy = element.cloneNode(true);
  for (const kbd of copy.querySelectorAll("kbd, svg")) kbd.remove();
  return copy.textContent.trim().replace(/\s+/g, " ");
}

const found = (places) =>
  places.flatMap((place) => [...document.querySelectorAll(place)]).map((element) => ({
    label: label(element),
    icon: element.querySelector("svg")?.cloneNode(true),
    keys: element.dataset.keys ?? "",
    run: () => element.click(),
  }));

export const commands = () => found(HERE);
export const account = () => found(ACCOUNT);
