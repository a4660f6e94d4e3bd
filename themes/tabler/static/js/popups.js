// Menus (details data-popup): one is closed when one presses elsewhere, when the focus leaves it, by Escape; arrow keys
// walk through what is in it. Fields keep their arrow keys.
const OPEN = "details[data-popup][open]";
const ENTRIES = "a[href], button:not(:disabled), input:not([type=hidden]), select, textarea";
const WAYS = { ArrowDown: 1, ArrowUp: -1 };

document.addEventListener("click", (event) => {
  for (const popup of document.querySelectorAll(OPEN)) if (!popup.contains(event.target)) popup.open = false;
});

// A press on plain text within a menu gives the focus to what is around it, and the menu stays.
document.addEventListener("focusin", ({ target }) => {
  for (const popup of document.querySelectorAll(OPEN))
    if (!popup.contains(target) && !target.contains(popup) && !target.closest("dialog")) popup.open = false;
});

document.addEventListener("keydown", (event) => {
  const popup = event.target.closest?.(OPEN);
  const step = WAYS[event.key];
  if (!popup || !step || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
  const entries = [...popup.querySelectorAll(ENTRIES)].filter((one) => one.checkVisibility());
  if (!entries.length) return;
  event.preventDefault();
  const at = entries.indexOf(event.target); // -1: the summary
  const next = at < 0 ? (step > 0 ? 0 : -1) : (at + step + entries.length) % entries.length;
  entries.at(next).focus();
});

// True when there was one to close.
export function closePopup() {
  const popup = document.querySelector(OPEN);
  if (!popup) return false;
  popup.open = false;
  popup.querySelector("summary").focus();
  return true;
}
