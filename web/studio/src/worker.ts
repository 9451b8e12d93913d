/** Keeps the studio's own files (nothing that the server tells) in the browser, so that the page opens, and waits, while the server is away. */
declare const __FILES__: { version: string; assets: string[] }; // written in by the build

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asked extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  addEventListener(type: "install" | "activate", act: (event: Lasting) => void): void;
  addEventListener(type: "fetch", act: (event: Asked) => void): void;
  skipWaiting(): Promise<void>;
}

const { version, assets } = __FILES__;
const scope = self as unknown as Scope;
const FAMILY = "notewright-studio-";
const NAME = FAMILY + version;
const PAGE = "/";
const SERVERS_OWN = /^\/(api|v1|login)(\/|$)|\./; // and no page of the studio

scope.addEventListener("install", (event) => {
  const whole = caches.open(NAME).then((cache) => cache.addAll([PAGE, "/icon.svg", ...assets]));
  event.waitUntil(whole.then(() => scope.skipWaiting()));
});

scope.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => name.startsWith(FAMILY) && name !== NAME));
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))));
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && !SERVERS_OWN.test(pathname)) event.respondWith(fetch(request).catch(() => kept(PAGE)));
  else if (assets.includes(pathname)) event.respondWith(kept(pathname).then((found) => (found.ok ? found : fetch(request))));
});

async function kept(path: string): Promise<Response> {
  return (await (await caches.open(NAME)).match(path)) ?? Response.error();
}
