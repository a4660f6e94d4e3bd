// A native dialog that a module opens and fills.
export function fill(dialog, html) {
  dialog.innerHTML = html;
  const field = dialog.querySelector("[aria-invalid], [autofocus]") ?? dialog.querySelector("input:not([type=hidden]), select, textarea, [data-close]");
  field?.focus();
}

export function open(dialog, opener) {
  const back = document.activeElement === document.body ? opener : document.activeElement; // a key may have pressed it
  dialog.className = opener.hasAttribute("data-sheet") ? "mk-dialog mk-sheet" : "mk-dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.addEventListener("close", () => {
    dialog.remove();
    back.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}
