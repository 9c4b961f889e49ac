// Reads fixture files the same way in Node (from disk) and in a browser test (from the dev server). A missing file is
// an error that names it.

const IN_NODE = typeof process !== 'undefined' && process.versions?.node !== undefined;

/**
 * Bytes of a file below `test/fixtures`, e.g. `loadFixture('ops/linear.safetensors')`.
 * A path that starts with `/` counts from the repository root (`/public/models/pocket/config.json`).
 *
 * @throws Error naming the path, if there is no such file
 */
export async function loadFixture(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const rooted = path.startsWith('/') ? path : `/test/fixtures/${path}`;
  if (IN_NODE) {
    // Behind a variable, so that a browser bundle never tries to resolve it.
    const name = 'node:fs/promises';
    const { readFile } = (await import(/* @vite-ignore */ name)) as typeof import('node:fs/promises');
    return new Uint8Array(await readFile(`${process.cwd()}${rooted}`));
  }
  // `public/` is served at the root of the site.
  const url = rooted.startsWith('/public/') ? rooted.slice('/public'.length) : rooted;
  const response = await fetch(url);
  // A dev server answers unknown paths with the page itself.
  const html = response.headers.get('content-type')?.includes('text/html') && !path.endsWith('.html');
  if (!response.ok || html) throw new Error(`no fixture ${rooted}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** A JSON fixture, parsed; the caller states its type. */
export async function loadFixtureJson<T = unknown>(path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await loadFixture(path))) as T;
}
