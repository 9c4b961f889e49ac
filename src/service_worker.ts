// Keeps the whole page on the device: every file of the build is fetched once, checked, and answered from the cache from
// then on, so that all of it works without a network and no visit mixes two builds. A new build is fetched beside the
// one in use, and takes its place when the page says so.

import { bytesToHex } from '@noble/hashes/utils.js';

// The build writes the list of its files above this script: each with the SHA-256 of its bytes, which is its version.
declare const PRECACHE: readonly (readonly [path: string, sha256: string])[];

/** What this script uses of its global scope; the types of service workers cannot stand beside those of pages. */
interface Scope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void>; matchAll(which: object): Promise<readonly unknown[]> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: Lasting) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
}

interface Lasting {
  waitUntil(done: Promise<unknown>): void;
}

interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

const worker = globalThis as unknown as Scope;
const CACHE = 'look-back page';
const AT_ONCE = 6;
const base = new URL(worker.registration.scope);
const versions = new Map(PRECACHE);

/** The address of a file with its version: files that two builds share are kept once. */
function keyOf(path: string, sha256: string): string {
  const url = new URL(path, base);
  url.searchParams.set('sha256', sha256);
  return url.href;
}

async function sha256Of(bytes: ArrayBuffer): Promise<string> {
  return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** Fetches one file of this build into the cache; throws where the server has it otherwise. */
async function keep(cache: Cache, path: string, sha256: string): Promise<void> {
  const key = keyOf(path, sha256);
  if ((await cache.match(key)) !== undefined) return;
  const response = await fetch(new URL(path, base), { cache: 'no-cache' });
  const bytes = await response.arrayBuffer();
  if (!response.ok || (await sha256Of(bytes)) !== sha256)
    throw new Error(`${path} is not that of this build`);
  // Made anew, as a redirected answer may not be shown for an address, and these bytes are not compressed.
  const headers = new Headers(response.headers);
  for (const name of ['content-encoding', 'content-length']) headers.delete(name);
  await cache.put(key, new Response(bytes, { headers }));
}

async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE);
  const files = [...versions];
  while (files.length > 0) {
    await Promise.all(files.splice(0, AT_ONCE).map(([path, sha256]) => keep(cache, path, sha256)));
  }
}

/** Drops what no build in use needs. Another tab may still show the build before. */
async function sweep(): Promise<void> {
  if ((await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })).length > 1) return;
  const cache = await caches.open(CACHE);
  const needed = new Set([...versions].map(([path, sha256]) => keyOf(path, sha256)));
  for (const { url } of await cache.keys()) if (!needed.has(url)) await cache.delete(url);
}

async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const sha256 = versions.get(path);
  // A name with a hash that this build does not know belongs to the build before.
  const kept =
    sha256 === undefined
      ? await cache.match(new URL(path, base), { ignoreSearch: true })
      : await cache.match(keyOf(path, sha256));
  return kept ?? fetch(request);
}

worker.addEventListener('install', (event) => event.waitUntil(keepAll()));
worker.addEventListener('activate', (event) => event.waitUntil(sweep().then(() => worker.clients.claim())));
worker.addEventListener('message', ({ data }) => {
  if (data === 'activate') void worker.skipWaiting();
});
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== base.origin || !pathname.startsWith(base.pathname)) return;
  const path = decodeURIComponent(pathname.slice(base.pathname.length)) || 'index.html';
  if (versions.has(path) || path.startsWith('assets/')) event.respondWith(answer(request, path));
});
