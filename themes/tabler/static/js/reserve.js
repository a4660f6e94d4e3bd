// Before anything is drawn: a card of Home has the height that its content had last time, so that nothing moves when it
// comes. js/home.js keeps the heights, for a window of the same width.
(() => {
  try {
    const kept = JSON.parse(localStorage.getItem("maktab.cards"));
    if (kept?.width !== innerWidth) return;
    const sheet = new CSSStyleSheet();
    for (const [id, height] of Object.entries(kept.heights)) {
      const body = `#${CSS.escape(id)} > [aria-busy]`;
      sheet.insertRule(`${body} { min-height: ${Number(height)}px }`);
      sheet.insertRule(`${body} > .mk-skeleton { flex-basis: 0 }`);
    }
    document.adoptedStyleSheets.push(sheet);
  } catch {} // storage that is shut off, or holds something else
})();
