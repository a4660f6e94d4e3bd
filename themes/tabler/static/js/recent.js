// The addresses that this user opened last, kept in this browser until he signs out; the server says what they are now.
const KEY = "maktab_recent";
const MOST = 9;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept?.user === document.body.dataset.user && Array.isArray(kept.paths) ? kept.paths : [];
  } catch {
    return []; // no storage, or not ours
  }
}

export const recent = () => read().filter((path) => path !== location.pathname);

export function remember() {
  const path = location.pathname;
  if (!/^\/admin\/[a-z0-9_-]+\/\d*$/.test(path) || !document.getElementById("main")) return;
  const paths = [path, ...read().filter((one) => one !== path)].slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify({ user: document.body.dataset.user, paths }));
  } catch {
    // full or switched off: the bar begins with the menu
  }
}

function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // nothing was kept
  }
}

document.addEventListener("submit", (event) => event.target.matches("[data-forget]") && forget());
if (document.querySelector("form[data-forget-now]")) forget(); // signed out by the clock, or elsewhere
