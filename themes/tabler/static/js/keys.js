// The name of what was pressed: "e", "Shift+x", "Ctrl+k", "?", "Enter". Letters stay Latin on any layout: what the key
// writes when that is a Latin letter (AZERTY), else what stands on it (event.code; Arabic, Cyrillic).
const SIGNS = {
  Slash: "/?", BracketLeft: "[{", BracketRight: "]}", Comma: ",<", Period: ".>", Semicolon: ";:", Quote: "'\"", Minus: "-_", Equal: "=+",
};

function sign(event) {
  if (/^[a-z0-9]$/i.test(event.key)) return event.key.toLowerCase();
  const [, letter, digit] = /^(?:Key([A-Z])|(?:Digit|Numpad)(\d))$/.exec(event.code) ?? [];
  if (letter) return letter.toLowerCase();
  if (/^[!-~]$/.test(event.key)) return event.key;
  if (digit && !event.shiftKey) return digit;
  return SIGNS[event.code]?.[event.shiftKey ? 1 : 0] ?? "";
}

export function pressed(event) {
  const name = event.key === "Enter" ? "Enter" : sign(event);
  if (!name) return "";
  const third = event.getModifierState("AltGraph"); // writes signs, and looks like Ctrl and Alt on Windows
  const ctrl = (event.ctrlKey || event.metaKey) && !third ? "Ctrl+" : "";
  const alt = event.altKey && !third ? "Alt+" : "";
  const shift = event.shiftKey && /^([a-z]|Enter)$/.test(name) ? "Shift+" : "";
  return ctrl + alt + shift + name;
}
