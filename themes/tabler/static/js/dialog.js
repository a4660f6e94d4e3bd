// Actions that ask first: the same form that the server shows as a page, in a native dialog.
document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-dialog]")) return;
  event.preventDefault();
  const form = event.target;
  const headers = { "HX-Request": "true" };
  const address = button.hasAttribute("formaction") ? button.formAction : form.action; // formAction alone is never empty
  const answer = await fetch(address, { method: "POST", body: new FormData(form), headers, credentials: "same-origin" }).catch(() => null);
  const target = answer?.headers.get("HX-Redirect");
  if (target) return void location.assign(target);
  if (!answer?.ok) {
    form.action = address;
    return void form.submit(); // the server's page says what is wrong
  }
  open(await answer.text(), button);
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

// A link whose page is small enough to be a dialog over the one that is open.
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (answer?.ok && !answer.redirected) open(await answer.text(), link);
  else location.assign(link.href); // the server's page says what is wrong
});
