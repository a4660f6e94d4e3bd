// Light or dark: at once and in this browser by a cookie, and for the user by a request that nothing waits for.
const keep = (choice, seconds) => {
  document.cookie = `maktab_theme=${choice}; path=/; max-age=${seconds}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-theme-toggle]");
  if (!button) return;
  const root = document.documentElement;
  const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  root.dataset.bsTheme = root.dataset.theme = theme;
  keep(theme, 31536000);
  const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  const request = { method: "POST", keepalive: true, headers, body: new URLSearchParams({ theme }) };
  if (button.dataset.themeToggle) fetch(button.dataset.themeToggle, request).catch(() => null); // the cookie holds here
});

// The next one who signs in at this browser has his own.
document.addEventListener("submit", (event) => event.target.matches("[data-forget]") && keep("", 0));
