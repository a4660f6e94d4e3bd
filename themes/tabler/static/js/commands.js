// What can be done on the present page, and by the menu of the account on each: buttons and links, found where they stand,
// so never more than is allowed. The server's results name the account's pages.
const HERE = [".mk-bulk.mk-on button[formaction]:enabled", "#head-actions :is(a, button[type=submit])", "a[data-view]", "[data-theme-toggle]"];
const ACCOUNT = ["[data-account] button[type=submit]"];

function label(element) {
  const copy = element.cloneNode(true);
  for (const other of copy.querySelectorAll("kbd, svg, .mk-count")) other.remove();
  return copy.textContent.trim().replace(/\s+/g, " ");
}

// What has no sign of its own is a view of the list.
const sign = (element) => (element.querySelector("svg") ?? document.getElementById("palette-view").content.firstElementChild).cloneNode(true);

const found = (places) =>
  places.flatMap((place) => [...document.querySelectorAll(place)]).map((element) => ({
    label: element.dataset.view || element.dataset.said || label(element),
    icon: sign(element),
    address: element.href,
    end: element.querySelector(".mk-count")?.textContent ?? "",
    keys: element.dataset.keys ?? "",
    run: () => element.click(),
  }));

export const commands = () => found(HERE);
export const account = () => found(ACCOUNT);
