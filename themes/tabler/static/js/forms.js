// Forms: the bar below shows what is not saved yet, leaving asks first, a field takes over what somebody else wrote.
const APART = ["hidden", "file", "submit"];
const inputs = (form) => [...form.elements].filter((one) => one.name && !APART.includes(one.type));

function differs(one) {
  if (one.type === "checkbox" || one.type === "radio") return one.checked !== one.defaultChecked;
  if (one.options) return [...one.options].some((option) => option.selected !== option.defaultSelected && option.value);
  return one.value !== one.defaultValue;
}

function nameOf(one) {
  const list = one.closest("[data-rows]");
  return (list?.querySelector("h2") ?? one.labels?.[0] ?? one).firstChild?.textContent.trim() || one.labels?.[0]?.textContent.trim();
}

function show(form) {
  const changed = inputs(form).filter((one) => one.classList.toggle("mk-changed", differs(one)));
  const names = [...changed.map(nameOf), ...[...form.querySelectorAll("[data-rows].mk-fewer h2")].map((title) => title.textContent)];
  const bar = form.querySelector("[data-unsaved]");
  if (!bar) return;
  const text = [...new Set(names.filter(Boolean))].join(", ");
  bar.textContent = text && bar.dataset.unsaved.replace("{names}", text);
  bar.closest(".mk-save").classList.toggle("mk-on", Boolean(text));
}

// The form that would be lost now: one that was typed into, or that the server sent back with what it refused.
let unsaved = document.querySelector('[data-form="refused"]');
const isDirty = (form) => form.dataset.form === "refused" || inputs(form).some(differs) || form.querySelector(".mk-fewer");
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

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-take]");
  if (!button) return;
  const field = document.getElementById(button.dataset.take);
  if (field.type === "checkbox") field.checked = Boolean(button.dataset.value);
  else field.value = button.dataset.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

document.querySelector("[data-summary]")?.focus();
for (const form of document.querySelectorAll("[data-form]")) show(form); // a browser that goes back fills in again
