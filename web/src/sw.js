// The service worker: keeps the page for use without a network, and isolates it, so that WebAssembly may use threads where
// the server cannot send the headers for that (GitHub Pages). The build puts the list of files in.
const NAME = "overread-VERSION";
const FILES = "FILES";
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(removeOld().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && new URL(request.url).origin === location.origin) event.respondWith(answer(request));
});

// Models that were used are kept by an update: their names hold their digests.
async function removeOld() {
  const cache = await caches.open(NAME);
  for (const name of await caches.keys()) {
    if (name === NAME || !name.startsWith("overread-")) continue;
    const old = await caches.open(name);
    for (const request of await old.keys()) {
      if (request.url.endsWith(".onnx") && !(await cache.match(request))) await cache.put(request, await old.match(request));
    }
    await caches.delete(name);
  }
}

async function answer(request) {
  const cache = await caches.open(NAME);
  const isPage = request.mode === "navigate";
  const kept = await cache.match(isPage ? "./" : request, { ignoreSearch: isPage });
  if (kept) return isolated(kept);
  const response = await fetch(request);
  if (response.ok && !isPage) await cache.put(request, response.clone()).catch(() => {}); // a full disk keeps nothing more
  return isolated(response);
}

function isolated(response) {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATED)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
