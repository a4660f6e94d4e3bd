// The command bar: what the server finds, and before it what can be done on this page, in one listbox.
import { account, commands } from "./commands.js";
import { recent, remember } from "./recent.js";
import { shown } from "./selection.js";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const status = document.getElementById("palette-status");
const results = document.getElementById("palette-results");
// What was found for another text than the present one is not chosen: Enter waits for the answer.
const isFresh = () => document.getElementById("palette-list").dataset.asked === input.value;
const options = () => (isFresh() ? [...results.querySelectorAll("[role=option]")] : []);
let isEntered = false;
const chosen = () => results.querySelector("[aria-selected=true]");
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export function openPalette() {
  if (!dialog || document.querySelector("dialog[open]")) return;
  dialog.showModal();
  input.select();
  htmx.trigger(input, "palette");
}

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-expanded", String(Boolean(option)));
}

function move(step) {
  const all = options();
  if (!all.length) return;
  const at = all.indexOf(chosen());
  choose(all[(at + step + all.length) % all.length]);
}

function enter() {
  isEntered = !isFresh();
  if (!isEntered) chosen()?.click();
}

const words = () => plain(input.value).split(/\s+/).filter(Boolean);
const fitting = (some) => some.filter((one) => words().every((word) => plain(one.label).includes(word)));

// An option that presses what stands on the page.
function line(command, id) {
  const option = document.createElement("button");
  Object.assign(option, { type: "button", className: "mk-pal-o", id, tabIndex: -1 });
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  const text = document.createElement("span");
  text.className = "mk-pal-t";
  text.textContent = command.label;
  option.append(command.icon, text);
  if (command.end) {
    const end = document.createElement("span");
    Object.assign(end, { className: "mk-pal-e", textContent: command.end });
    option.append(end);
  }
  if (command.keys) {
    const keys = document.createElement("kbd");
    keys.textContent = command.keys.replace(/\b[a-z]\b/g, (letter) => letter.toUpperCase());
    option.append(keys);
  }
  option.addEventListener("click", () => {
    dialog.close();
    command.run();
  });
  return option;
}

// A group of such options; null without any.
function grouped(name, some) {
  if (!some.length) return null;
  const group = document.createElement("div");
  group.className = "mk-pal-g";
  group.setAttribute("role", "group");
  group.setAttribute("aria-labelledby", `pal-${name}`);
  const title = document.createElement("p");
  Object.assign(title, { className: "mk-pal-h", id: `pal-${name}`, textContent: results.dataset[name] });
  title.setAttribute("role", "presentation");
  group.append(title, ...some.map((one, place) => line(one, `pal-${name}-${place}`)));
  return group;
}

// What stands on this page, with its keys and its number, is not offered by its address once more.
function dropSame(list, own) {
  const addresses = new Set(own.map((one) => one.address).filter(Boolean));
  for (const option of list.querySelectorAll(".mk-pal-g:not([data-recent]) > a"))
    if (addresses.has(option.href)) option.remove();
  for (const group of list.querySelectorAll(".mk-pal-g:not(:has(> [role=option]))")) group.remove();
}

// Those of this page first, after what was opened last; those of the account once somebody asks for them.
function showOwn(list) {
  const own = fitting(commands());
  dropSame(list, own);
  const here = grouped("here", own);
  const mine = words().length ? grouped("account", fitting(account())) : null;
  const opened = words().length ? null : list.querySelector("[data-recent]");
  if (here && opened) opened.after(here);
  else if (here) list.prepend(here);
  if (mine) list.append(mine);
  if (here || mine) results.querySelector("[data-none]")?.remove();
}

if (dialog) {
  remember();
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-palette]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-palette-close]")) dialog.close();
  });
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    enter();
  });
  input.addEventListener("input", () => {
    isEntered = false;
    choose(options()[0]);
  });
  dialog.addEventListener("close", () => (isEntered = false));
  dialog.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) move(step);
    else if (event.key === "Enter" && event.target === results) enter();
    else return;
    event.preventDefault();
  });
  results.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== chosen()) choose(option);
  });
  input.addEventListener("htmx:configRequest", (event) => {
    if (!input.value.trim()) event.detail.parameters.recent = recent();
  });
  results.addEventListener("htmx:afterSwap", () => {
    const list = document.getElementById("palette-list");
    showOwn(list);
    choose(options()[0]);
    status.textContent = list.dataset.said.replace("{n}", shown(options().length));
    if (isEntered) enter();
  });
  for (const name of ["htmx:responseError", "htmx:sendError"])
    input.addEventListener(name, () => {
      isEntered = false;
      status.textContent = status.dataset.error;
    });
}
