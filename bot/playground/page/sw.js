// Keeps the page's own files, so that the installed app opens while the playground is not running, and waits for it.
// The playground's answer always goes first; conversations and pictures are never kept.

const SHELL = "shell";
const PRIVATE = /^\/(control|media)\//;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || PRIVATE.test(pathname)) return;
  event.respondWith(answer(event.request));
});

async function answer(request) {
  const shell = await caches.open(SHELL);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await shell.put(request, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await shell.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
