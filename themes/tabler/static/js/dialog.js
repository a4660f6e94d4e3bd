// Actions that ask first: the same form that the server shows as a page, in a native dialog.
document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-dialog]")) return;
  event.preventDefault();
  const form = event.target;
  const before = document.activeElement === document.body ? button : document.activeElement; // a key may have pressed it
  const headers = { "HX-Request": "true" };
  const address = button.hasAttribute("formaction") ? button.formAction : form.action; // formAction alone is never empty
  const answer = await fetch(address, { method: "POST", body: new FormData(form), headers, credentials: "same-origin" }).catch(() => null);
  const target = answer?.headers.get("HX-Redirect");
  if (target) return void location.assign(target);
  if (!answer?.ok) {
    form.action = address;
    return void form.submit(); // the server's page says what is wrong
  }
  open(await answer.text(), before);
});

function open(html, opener) {
  const dialog = document.createElement("dialog");
  dialog.className = "mk-dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.innerHTML = html;
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}
