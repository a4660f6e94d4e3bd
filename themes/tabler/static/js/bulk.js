// What none of the selected records allows now cannot be pressed in the bar below a list; the server knows.
const WAIT = 200; // ms without another tick
const MOST = 100; // more are not asked for: an action says itself what it left alone
let timer = 0;
let asking = null;

document.addEventListener("selected", ({ detail }) => {
  const bar = document.querySelector("[data-bulk][data-refused]");
  if (!bar) return;
  clearTimeout(timer);
  asking?.abort();
  if (detail.everything || !detail.ids.length || detail.ids.length > MOST) put(bar, []);
  else timer = setTimeout(() => ask(bar, detail.ids), WAIT);
});

async function ask(bar, ids) {
  asking = new AbortController();
  const query = new URLSearchParams(ids.map((id) => ["ids", id]));
  try {
    const answer = await fetch(`${bar.dataset.refused}?${query}`, { signal: asking.signal });
    if (answer.ok) put(bar, (await answer.json()).refused);
  } catch {} // asked anew meanwhile, or no network: all can be pressed, as without this module
}

function put(bar, refused) {
  for (const button of bar.querySelectorAll("[data-act]")) {
    button.disabled = refused.includes(button.dataset.act);
    button.title = button.disabled ? bar.dataset.why : "";
  }
}
