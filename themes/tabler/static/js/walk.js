// Walking through the rows of a table by keys: the link of a row has the focus, so Enter opens it by itself.
const links = () => [...document.querySelectorAll("#main .mk-table tbody tr")].map((one) => one.querySelector("a.mk-key, .mk-main-cell a, td a")).filter(Boolean);
export const row = () => document.activeElement?.closest("#main .mk-table tbody tr");

export function moveRow(step) {
  const all = links();
  const here = row();
  const now = here ? all.findIndex((one) => here.contains(one)) : -1;
  const next = all[now < 0 ? 0 : Math.min(all.length - 1, Math.max(0, now + step))];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

// A click on the row's box, with Shift for all up to it; the focus stays in the row.
export function selectRow(shiftKey) {
  const box = row()?.querySelector('input[name="ids"]');
  box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey }));
}
