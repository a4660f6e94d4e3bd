// Inputs that name a record of another list: a combobox, its listbox filled by the server as one types. Without this
// module the text alone is sent, and the server finds what it means.
const listOf = (input) => input.parentElement.querySelector("[role=listbox]");
const isOpen = (input) => listOf(input).matches(":popover-open");
const options = (input) => [...listOf(input).querySelectorAll("[role=option]")];
const chosen = (input) => listOf(input).querySelector("[aria-selected=true]");
const CHOSEN = /\s*·\s*\d*$/; // what an input ends with that names a record
let waiting = 0;

// The listbox itself says how htmx fills it (hx-sync: what was asked before does not come any more).
async function ask(input, text, picks) {
  const list = listOf(input);
  await htmx.ajax("get", input.dataset.picker, { source: list, target: list, values: { q: text } }).catch(() => null);
  if (document.activeElement !== input || !list.firstElementChild) return;
  show(input, list);
  choose(input, picks ? options(input)[0] : null);
}

function show(input, list) {
  options(input).forEach((one, place) => (one.id = `${list.id}-${place}`));
  input.parentElement.querySelector("[role=status]").textContent = list.querySelector("[data-said]").dataset.said;
  if (!isOpen(input)) list.showPopover();
  input.setAttribute("aria-expanded", "true");
  place(input);
}

function close(input) {
  clearTimeout(waiting);
  if (isOpen(input)) listOf(input).hidePopover();
  listOf(input).replaceChildren();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

// Below the input, or above it where there is more room; as wide as the input, and never beyond the screen.
function place(input) {
  const list = listOf(input);
  const box = input.getBoundingClientRect();
  const width = Math.min(Math.max(box.width, 260), innerWidth - 16);
  const start = getComputedStyle(input).direction === "rtl" ? box.right - width : box.left;
  const below = innerHeight - box.bottom;
  const isBelow = below > 260 || below > box.top;
  list.style.width = `${width}px`;
  list.style.left = `${Math.max(8, Math.min(start, innerWidth - width - 8))}px`;
  list.style.top = isBelow ? `${box.bottom + 4}px` : "auto";
  list.style.bottom = isBelow ? "auto" : `${innerHeight - box.top + 4}px`;
  list.style.maxHeight = `${Math.min(420, (isBelow ? below : box.top) - 12)}px`;
}

function choose(input, option) {
  chosen(input)?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

function take(input, option) {
  input.value = option.dataset.text;
  close(input);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

const open = (input) => ask(input, CHOSEN.test(input.value) ? "" : input.value.trim(), false);

function move(input, step) {
  const all = options(input);
  const at = all.indexOf(chosen(input));
  if (all.length) choose(input, all[(at + (at < 0 && step < 0 ? 0 : step) + all.length) % all.length]);
}

// Before everything else that listens: Enter would send the form, Esc close the dialog, arrows go to the next row.
document.addEventListener(
  "keydown",
  (event) => {
    const input = event.target.closest?.("[data-picker]");
    if (!input || event.isComposing || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const option = isOpen(input) && chosen(input);
    if (event.key === "Tab") return void (option && take(input, option));
    if (step) isOpen(input) ? move(input, step) : open(input);
    else if (event.key === "Enter" && option) take(input, option);
    else if (event.key === "Escape" && isOpen(input)) close(input);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);

// What was chosen is one thing: with a letter less it is a text to look for, not another record's number.
document.addEventListener("input", (event) => {
  const input = event.target.closest?.("[data-picker]");
  if (!input || !event.isTrusted) return;
  if (CHOSEN.test(input.value)) input.value = input.value.replace(CHOSEN, "");
  clearTimeout(waiting);
  waiting = setTimeout(() => ask(input, input.value.trim(), Boolean(input.value.trim())), 150);
});

document.addEventListener("click", (event) => {
  const input = event.target.closest?.("[data-picker]");
  if (input && !isOpen(input)) open(input);
  const option = event.target.closest?.(".mk-picks [role=option]");
  if (option) take(option.closest(".mk-picker").querySelector("[data-picker]"), option);
});

document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.(".mk-picks")) event.preventDefault(); // the focus stays in the input
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("[data-picker]")) close(event.target);
});

const follow = () => {
  const input = document.activeElement;
  if (input?.matches("[data-picker]") && isOpen(input)) place(input);
};
document.addEventListener("scroll", follow, true);
window.addEventListener("resize", follow);
