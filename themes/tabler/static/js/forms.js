// Forms: the bar on top names what is not saved yet and throws it away, leaving asks first, a field takes over what
// somebody else wrote.
import { float } from "./toast.js";
import { shown } from "./selection.js";

const APART = ["hidden", "file", "submit"];
const inputs = (form) => [...form.elements].filter((one) => one.name && !APART.includes(one.type));
const bar = document.querySelector("[data-unsaved]");

// What the server refused came back as if it had stood there from the start: then `stored` says what does.
function differs(one, stored) {
  const isBox = one.type === "checkbox" || one.type === "radio";
  if (stored && one.closest("[data-several]")) return one.checked !== (stored[one.name] ?? "").split(", ").includes(one.value);
  if (stored && one.name in stored) return isBox ? one.checked !== Boolean(stored[one.name]) : one.value !== stored[one.name];
  if (isBox) return one.checked !== one.defaultChecked;
  if (one.options) return [...one.options].some((option) => option.selected !== option.defaultSelected && option.value);
  return one.value !== one.defaultValue;
}

const storedOf = (form) => form.dataset.form === "refused" && JSON.parse(form.elements.base.value);

// A cell is called as its column is, a row that is new as its list.
function nameOf(one) {
  const list = one.closest("tr[data-new]")?.closest("[data-rows]");
  if (list) return list.querySelector("h2").textContent;
  const several = one.closest("[data-several]");
  if (several) return several.querySelector("legend").firstChild.textContent.trim();
  const label = one.labels?.[0];
  return one.closest("td")?.dataset.label ?? (label?.firstChild.textContent.trim() || label?.textContent.trim());
}

function namesOf(form, changed) {
  const many = new Map();
  for (const one of changed) {
    const isCell = one.closest("td") && !one.closest("tr[data-new]");
    many.set(nameOf(one), isCell ? (many.get(nameOf(one)) ?? 0) + 1 : 1);
  }
  for (const title of form.querySelectorAll("[data-rows].mk-fewer h2")) many.set(title.textContent, 1);
  return [...many].filter(([name]) => name).map(([name, count]) => (count > 1 ? `${name} (${shown(count)})` : name));
}

function show(form) {
  if (!bar) return;
  const stored = storedOf(form);
  const changed = inputs(form).filter((one) => one.classList.toggle("mk-changed", differs(one, stored)));
  const names = namesOf(form, changed).join(document.documentElement.dir === "rtl" ? "، " : ", ");
  const text = names ? bar.dataset.unsaved.replace("{names}", names) : bar.dataset.nothing;
  const line = bar.querySelector("[role=status]");
  if (line.textContent !== text) line.textContent = text;
  turn(Boolean(names) || Boolean(stored));
}

// What is typed into stays where it is on the screen, though the bar takes a place above it.
function turn(on) {
  if (bar.classList.contains("mk-on") === on) return;
  const top = () => document.activeElement.getBoundingClientRect().top;
  const before = top();
  bar.classList.toggle("mk-on", on);
  scrollBy({ top: top() - before, behavior: "instant" });
}

// The form that would be lost now: one that was typed into, or that the server sent back with what it refused.
let unsaved = document.querySelector('[data-form="refused"]');
const isDirty = (form) => form.dataset.form === "refused" || inputs(form).some((one) => differs(one)) || form.querySelector(".mk-fewer");
for (const kind of ["input", "change"])
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.("[data-form]");
    if (!form) return;
    unsaved = form;
    show(form);
  });
document.addEventListener("submit", () => (unsaved = null));
window.addEventListener("beforeunload", (event) => {
  if (unsaved && document.contains(unsaved) && isDirty(unsaved)) event.preventDefault();
});

// Discard puts the form there as it came, and Undo the one that was typed into; what was refused comes anew.
const pristine = bar && document.querySelector("[data-form]").cloneNode(true);
bar?.querySelector("[data-discard]").addEventListener("click", (event) => {
  const typed = document.querySelector("[data-form]");
  unsaved = null;
  if (typed.dataset.form === "refused") return;
  event.preventDefault();
  const fresh = pristine.cloneNode(true);
  fresh.reset(); // a browser that went back had filled it in
  put(fresh, typed);
  const message = bar.querySelector("template").content.firstElementChild.cloneNode(true);
  message.querySelector("[data-restore]").addEventListener("click", () => {
    message.remove();
    put(typed, document.querySelector("[data-form]"));
  });
  document.getElementById("toasts").append(message);
  float();
});

function put(form, present) {
  document.getElementById("main").focus({ preventScroll: true });
  present.replaceWith(form);
  for (const list of form.querySelectorAll("[data-rows]")) list.dispatchEvent(new Event("input", { bubbles: true }));
  unsaved = form;
  show(form);
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-drop]")) unsaved = null;
  const button = event.target.closest?.("[data-take]");
  if (!button) return;
  event.preventDefault();
  const field = document.getElementById(button.dataset.take);
  if (field.type === "checkbox") field.checked = Boolean(button.dataset.value);
  else field.value = button.dataset.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

document.querySelector("[data-summary]")?.focus();
for (const form of document.querySelectorAll("[data-form]")) show(form); // a browser that goes back fills in again
