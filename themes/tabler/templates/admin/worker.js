// Keeps one page for when there is no network, with what it needs to be drawn; everything else goes to the server.
const NAMES = {{ names | tojson }};
const CACHE = "maktab-offline";

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.delete(CACHE).then(() => caches.open(CACHE)).then((cache) => cache.addAll(NAMES)));
});
self.addEventListener("activate", (event) => event.waitUntil(self.registration.navigationPreload?.enable()));

const fetched = async (event) => (await event.preloadResponse) ?? fetch(event.request);

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (method === "GET" && mode === "navigate") event.respondWith(fetched(event).catch(() => caches.match(NAMES[0])));
  else if (NAMES.includes(new URL(url).pathname)) event.respondWith(caches.match(url).then((kept) => kept ?? fetch(event.request)));
});
