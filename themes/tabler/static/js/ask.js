// What asks first: the same page that the server shows without a script, in a native dialog. The server does nothing
// without the grant that its question carries (core/web/confirm.py), so that nothing depends on this module.
import { fill, open } from "./dialog.js";
import { renewed } from "./session.js";
import { said, warn } from "./toast.js";

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-dialog]")) return;
  event.preventDefault();
  const form = event.target;
  const address = button.hasAttribute("formaction") ? button.formAction : form.action; // formAction alone is never empty
  ask(address, () => ({ method: "POST", body: new FormData(form, button) }), button, () => {
    form.action = address;
    if (button.name) form.append(hidden(button.name, button.value)); // submit() leaves the button out
    form.submit(); // the server's page says what is wrong
  });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-dialog]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  ask(link.href, () => ({}), link, () => location.assign(link.href));
});

const GONE = [403, 404]; // taken away or deleted meanwhile: a message says so, the page stays

async function ask(address, request, opener, otherwise) {
  if (opener.getAttribute("aria-busy") === "true") return;
  opener.setAttribute("aria-busy", "true");
  const headers = { "HX-Request": "true", "Maktab-Dialog": "ask" };
  const answer = await fetch(address, { ...request(), headers, credentials: "same-origin" }).catch(() => null);
  const target = answer?.headers.get("HX-Redirect");
  if (target) {
    opener.closest("dialog")?.close("sent"); // the focus is back where it was, for the page that comes
    return void location.assign(target);
  }
  opener.removeAttribute("aria-busy");
  if (answer?.status === 401) return void ((await renewed()) && ask(address, request, opener, otherwise));
  if (!answer) return void document.dispatchEvent(new CustomEvent("htmx:sendError"));
  if (answer.status >= 500 || GONE.includes(answer.status)) return void warn(said(await answer.text()));
  if (!answer.headers.get("Maktab-Dialog")) return void otherwise();
  show(await answer.text(), opener);
}

function show(html, opener) {
  const present = opener.closest("dialog");
  const dialog = present ?? document.createElement("dialog");
  if (!present) open(dialog, opener);
  fill(dialog, html);
}

function hidden(name, value) {
  const input = document.createElement("input");
  Object.assign(input, { type: "hidden", name, value });
  return input;
}
