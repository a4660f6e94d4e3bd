// A page that is older than its session: who is signed out signs in again in a dialog, and what he typed, ticked and
// opened stays. A form that carries such work asks first, because the browser leaves the page with it.
import { fill, open } from "./dialog.js";
import { warn } from "./toast.js";

const { session, signIn, user } = document.body.dataset;
let asking = null;
let declined = false;

const ask = (address, body) =>
  fetch(address, { method: body ? "POST" : "GET", body, headers: { "HX-Request": "true", "Maktab-Dialog": "ask" }, credentials: "same-origin" });

// True when this page may send again, false when nobody signed in. Rejects without a network.
export async function renewed() {
  const answer = await ask(session);
  if (answer.status === 401) return (asking ??= signedIn().finally(() => (asking = null)));
  if (!answer.ok) return true; // the request itself says what is wrong
  const now = await answer.json();
  if (String(now.user) !== user) return location.reload(), false; // the page is somebody else's
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": now.token }));
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = now.token;
  return true;
}

async function signedIn() {
  const dialog = document.createElement("dialog");
  const form = await (await ask(signIn)).text();
  open(dialog, document.activeElement);
  dialog.classList.add("mk-again");
  fill(dialog, form);
  const done = new Promise((resolve) => {
    dialog.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      const answer = await ask(signIn, new FormData(event.target)).catch(() => null);
      if (answer?.status === 204) resolve(true);
      else if (answer) fill(dialog, await answer.text());
      else document.dispatchEvent(new CustomEvent("htmx:sendError"));
    });
    dialog.addEventListener("close", () => resolve(false));
  });
  declined = !(await done);
  dialog.close();
  return declined ? false : renewed();
}

const checked = new WeakSet();

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("[data-form], [data-bulk]") || submitter?.matches("[data-dialog]") || checked.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  const goesOn = await renewed().catch(() => document.dispatchEvent(new CustomEvent("htmx:sendError")) && false);
  form.removeAttribute("aria-busy");
  if (!goesOn) return;
  checked.add(form);
  form.requestSubmit(submitter);
}, true);

// What only reads is asked for again; what changes something waits for another press: nothing was changed by this one.
document.addEventListener("htmx:beforeSwap", async ({ detail }) => {
  if (detail.xhr.status !== 401) return;
  detail.isError = false;
  const { elt, target, verb, path, triggeringEvent } = detail.requestConfig;
  if (declined && !triggeringEvent?.isTrusted) return;
  if (!(await renewed().catch(() => false))) return;
  if (verb !== "get") warn(document.getElementById("toasts").dataset.renewed);
  else if (elt.isConnected) window.htmx.ajax(verb, path, { source: elt, target });
});
