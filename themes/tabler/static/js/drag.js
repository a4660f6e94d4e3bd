// Dragging an item of a list to another place of it: by a mouse at any part of the item, by a pen or a finger at its
// handle (.mk-grip, whose touch-action is none: elsewhere a finger scrolls). Near an edge what scrolls goes on; Esc, a
// second finger or a call puts the item back.
const FAR = 5; // pixels, nearer is a click
const EDGE = 56;
const FIELDS = "button, input, select, textarea, a";
let drag = null;

// `items`: a selector; `begin` when one is lifted, `end(item, isPutBack)` when it is let go.
export function draggable(items, begin = () => {}, end = () => {}) {
  document.addEventListener("pointerdown", (event) => {
    const item = event.target.closest?.(items);
    if (drag?.ghost) return stop(true);
    if (!item || event.button !== 0 || !event.isPrimary) return;
    const isLifted = event.target.closest(".mk-grip") || (event.pointerType === "mouse" && !event.target.closest(FIELDS));
    if (isLifted) drag = { item, items, begin, end, list: item.parentElement, id: event.pointerId, from: event, at: event, order: [...item.parentElement.children] };
  });
}

document.addEventListener("pointermove", (event) => {
  if (event.pointerId !== drag?.id || !event.buttons) return;
  drag.at = event;
  if (!drag.ghost && Math.hypot(event.clientX - drag.from.clientX, event.clientY - drag.from.clientY) < FAR) return;
  if (!drag.ghost) lift();
  drag.ghost.style.translate = `${event.clientX - drag.from.clientX}px ${event.clientY - drag.from.clientY}px`;
  place();
});
document.addEventListener("pointerup", ({ pointerId }) => pointerId === drag?.id && stop(false));
document.addEventListener("pointercancel", ({ pointerId }) => pointerId === drag?.id && stop(true));
window.addEventListener("blur", () => drag && stop(true));
window.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !drag?.ghost) return;
  event.stopPropagation(); // a menu around the list stays
  event.preventDefault();
  stop(true);
}, true);

// The item stays in the list, pale, where it would be put; a copy goes with the pointer.
function lift() {
  const { item, list, id } = drag;
  drag.begin();
  const box = item.getBoundingClientRect();
  drag.ghost = document.body.appendChild(list.cloneNode(false)); // what it looks like depends on its list
  drag.ghost.append(item.cloneNode(true));
  drag.ghost.inert = true;
  for (const one of [drag.ghost, ...drag.ghost.querySelectorAll("[id], [name]")]) for (const name of ["id", "name"]) one.removeAttribute(name);
  drag.ghost.classList.add("mk-ghost");
  Object.assign(drag.ghost.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
  item.classList.add("mk-dragged");
  list.setPointerCapture(id); // the item itself loses it each time that it moves
  drag.frame = requestAnimationFrame(scroll);
}

// What was passed last is not passed again before the pointer has left it: large and small items would change for ever.
function place() {
  const { item, list, at } = drag;
  const over = document.elementsFromPoint(at.clientX, at.clientY).map((one) => one.closest(drag.items)).find((one) => one?.parentElement === list);
  if (over === drag.over) return;
  drag.over = over;
  if (!over || over === item) return;
  if (over.compareDocumentPosition(item) & Node.DOCUMENT_POSITION_FOLLOWING) over.before(item);
  else over.after(item);
}

function scroll() {
  if (!drag) return;
  const area = scroller(drag.list);
  const page = area === document.scrollingElement;
  const box = page ? { top: 0, bottom: innerHeight } : area.getBoundingClientRect();
  const above = Math.min(0, drag.at.clientY - box.top - EDGE);
  const below = Math.max(0, drag.at.clientY - box.bottom + EDGE);
  const was = area.scrollTop;
  area.scrollTop += Math.max(-EDGE, Math.min(EDGE, above + below)) / 4;
  if (area.scrollTop !== was) place();
  drag.frame = requestAnimationFrame(scroll);
}

function scroller(list) {
  const isLong = list.scrollHeight > list.clientHeight && getComputedStyle(list).overflowY === "auto";
  return isLong ? list : document.scrollingElement;
}

function stop(isPutBack) {
  const { item, list, order, ghost, frame, end, id } = drag;
  drag = null;
  if (!ghost) return;
  cancelAnimationFrame(frame);
  ghost.remove();
  item.classList.remove("mk-dragged");
  if (list.hasPointerCapture(id)) list.releasePointerCapture(id);
  if (isPutBack) list.append(...order);
  const once = { capture: true, once: true };
  window.addEventListener("click", swallow, once);
  window.addEventListener("pointerdown", () => window.removeEventListener("click", swallow, once), once);
  end(item, isPutBack);
}

// Letting go is no click at what lies there; a key that presses a button is one.
function swallow(event) {
  if (!event.detail) return;
  event.preventDefault();
  event.stopPropagation();
}
