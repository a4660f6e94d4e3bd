// Loaded before the style sheets are painted: the theme of the cookie, or the system's.
(() => {
  const root = document.documentElement;
  root.classList.add("mk-js");
  if (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches) root.dataset.bsTheme = "dark";
})();
