// A form that leads back to its own page leaves the focus where it was, and a form that opens has it in its first field.
const KEY = "maktab_focus";

// How the same thing is found when the page has come anew.
function placeOf(element) {
  const inside = element?.closest("dialog, #toasts, [data-popup]:not([open])");
  if (!element || inside || element === document.body) return "";
  const menu = element.closest("details[data-popup]");
  if (menu?.parentElement.id) return `#${CSS.escape(menu.parentElement.id)} > details > summary`;
  const form = element.closest("form[action]");
  if (element.matches("textarea") && form) return `form[action="${CSS.escape(form.getAttribute("action"))}"] button:not([type=button])`; // keys go on
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.matches("a[href]")) return `main a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  const button = element.value ? `button[value="${CSS.escape(element.value)}"]` : "button:not([type=button])";
  const part = element.matches("button") ? button : ":is(input:not([type=hidden]), button)";
  return form ? `form[action="${CSS.escape(form.getAttribute("action"))}"] ${part}` : "";
}

addEventListener("pagehide", () => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ path: location.pathname, place: placeOf(document.activeElement) }));
  } catch {
    // switched off: the focus begins with the page
  }
});

function kept() {
  try {
    const left = JSON.parse(sessionStorage.getItem(KEY));
    return left?.path === location.pathname && left.place ? document.querySelector(left.place) : null;
  } catch {
    return null;
  }
}

function start() {
  if (document.activeElement !== document.body) return;
  const isFine = matchMedia("(pointer: fine)").matches; // a phone would cover half of the page with its keyboard
  const first = isFine ? document.querySelector("form#form :is(.mk-field, .mk-lines td) :is(input, select, textarea):not([type=hidden])") : null;
  (kept() ?? first)?.focus({ preventScroll: true });
}

addEventListener("load", () => requestAnimationFrame(start)); // an address with a fragment takes the focus away before
