// Builds a page of a soak, serves it with the product's public files, and hands what the page posts to whoever listens.
// The answer to a mark waits for the listener, and never comes when that says so.

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { build } from 'vite';

/** Answers a post with something to be sent as JSON, or with null: never. */
export type PostListener = (path: string, body: unknown) => object | null;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.css': 'text/css; charset=utf-8',
};

/** Builds a page with the product's own settings, but for the page: it is driven without a user interface. */
export async function buildPage(root: string, page: string, outDir: string): Promise<void> {
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    publicDir: false,
    logLevel: 'error',
    build: { outDir, minify: false, emptyOutDir: true, rolldownOptions: { input: join(root, page) } },
  });
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}

async function sendFile(folders: readonly string[], path: string, response: ServerResponse): Promise<void> {
  const name = normalize(decodeURIComponent(path)).replace(/^([/\\]|\.\.[/\\])+/, '');
  for (const folder of folders) {
    const bytes = await readFile(join(folder, name)).catch(() => null);
    if (bytes === null) continue;
    response.setHeader('Content-Type', TYPES[extname(name)] ?? 'application/octet-stream');
    response.end(bytes);
    return;
  }
  response.statusCode = 404;
  response.end();
}

/** Serves files of the first folder that has them. @returns its origin, and how to close it */
export async function servePage(
  folders: readonly string[],
  listener: PostListener,
): Promise<{ origin: string; close(): void }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'POST') return sendFile(folders, pathname, response);
    const reply = listener(pathname, await bodyOf(request));
    if (reply === null) return;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(reply));
  };
  const server = createServer((request, response) => {
    // A browser that is killed in the middle of a request is the rule here.
    answer(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://localhost:${port}`, close };
}
