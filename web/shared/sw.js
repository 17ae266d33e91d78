// Keeps what a page is made of on the phone, so that it opens without a network; never what the API answers: what was
// true of money a while ago is not shown as if it were now.

const PLACE = `${PAGE} ${NAME}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(PLACE).then((kept) => kept.addAll([PAGE, ...PARTS])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

// This page's of before; other pages have places of their own.
async function forgetOthers() {
  for (const name of await caches.keys()) {
    if (name.startsWith(`${PAGE} `) && name !== PLACE) await caches.delete(name);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname === PAGE) event.respondWith(fresh(request));
  else if (pathname.startsWith("/web/")) event.respondWith(kept(request));
});

// The page itself from the network where there is one: it names its parts.
async function fresh(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(PAGE)) ?? Response.error();
  }
}

async function kept(request) {
  return (await caches.match(request)) ?? fetch(request);
}
