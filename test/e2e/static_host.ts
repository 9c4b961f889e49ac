// Serves a copy of the built page from a folder of a host of its own, as any static host would, with the headers that
// docs/deploy.md names. The copy can be changed, and the host can go away.
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';

const FOLDER = '/some/folder/';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webmanifest': 'application/manifest+json',
};

/** A running host of the page. */
export class StaticHost {
  /** The copy of the build that is served. */
  readonly files: string;
  #server: Server | null = null;
  #port = 0;

  constructor(build: string) {
    this.files = mkdtempSync(join(tmpdir(), 'look-back-host-'));
    cpSync(build, this.files, { recursive: true });
  }

  /** Starts, on the same port each time. */
  async start(): Promise<void> {
    const server = createServer(({ url = '' }, response) => {
      const { pathname } = new URL(url, 'http://localhost');
      const file = join(this.files, normalize(pathname.slice(FOLDER.length)) || 'index.html');
      const named = pathname.endsWith('/') ? join(this.files, 'index.html') : file;
      if (!pathname.startsWith(FOLDER) || !statSync(named, { throwIfNoEntry: false })?.isFile()) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, {
        'Content-Type': TYPES[extname(named)] ?? 'application/octet-stream',
        'Content-Security-Policy':
          "default-src 'self'; style-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'",
        'Cache-Control': 'no-cache',
      });
      response.end(readFileSync(named));
    });
    await new Promise<void>((done) => server.listen(this.#port, 'localhost', done));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  get address(): string {
    return `http://localhost:${this.#port}${FOLDER}`;
  }

  /** Goes away: every connection is closed. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    this.#server = null;
  }

  /** Removes the copy. */
  remove(): void {
    rmSync(this.files, { recursive: true });
  }
}
