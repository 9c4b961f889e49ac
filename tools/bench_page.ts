// Opens pages of headless Chromium for benches that run beside other libraries: one script of test/bench, and the libraries' built
// files, each below a name of its own. Nothing else is served.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { BROWSER_ARGS, ensureBrowser } from './browser.mjs';
import { log } from './command_line';
import { repositoryRoot } from './node_gpu';

/** What to serve. */
export interface BenchPageOptions {
  /** Stem of the script in test/bench. */
  readonly script: string;
  /** Folders of built modules by the name under which the page finds them. */
  readonly libraries: Readonly<Record<string, string>>;
}

/** Opens pages of one browser. */
export interface BenchBrowser {
  /** Runs `use` on a fresh page and closes it, so that what it held is free. */
  withPage<T>(use: (page: Page) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// A library with threads wants the page to be isolated.
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Builds the script and starts a browser. */
export async function openBenchBrowser({ script, libraries }: BenchPageOptions): Promise<BenchBrowser> {
  const code = await buildScript(script);
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath: ensureBrowser(), args: BROWSER_ARGS });
  const serveOn = (page: Page): Promise<unknown> =>
    page.route('**/*', async (route) => {
      const { pathname } = new URL(route.request().url());
      const serve = (contentType: string, body: string | Buffer): Promise<void> =>
        route.fulfill({ contentType, headers: HEADERS, body });
      if (pathname === '/')
        return serve('text/html', '<!doctype html><script type="module" src="/page.js"></script>');
      if (pathname === '/page.js') return serve('text/javascript', code);
      const [, library = '', file = '', kind] = /^\/(\w+)\/([\w.-]+\.(js|mjs|wasm))$/.exec(pathname) ?? [];
      const folder = libraries[library];
      if (folder === undefined) return route.fulfill({ status: 404 });
      const type = kind === 'wasm' ? 'application/wasm' : 'text/javascript';
      return serve(type, await readFile(join(folder, file)));
    });
  return {
    withPage: async (use) => {
      const page = await browser.newPage();
      try {
        page.on('pageerror', (error) => log(`the page: ${error.message}`));
        await serveOn(page);
        // Loopback counts as a secure context, which WebGPU needs; the route answers for it.
        await page.goto('http://localhost/');
        return await use(page);
      } finally {
        await page.close();
      }
    },
    close: () => browser.close(),
  };
}

/** The text of a script of test/bench with all that it imports, as one module. */
export async function buildScript(script: string): Promise<string> {
  const { build } = await import('vite');
  const outDir = join(repositoryRoot(), `node_modules/.cache/look-back/bench_${script}`);
  const entry = join(repositoryRoot(), `test/bench/${script}.ts`);
  await build({
    root: repositoryRoot(),
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      ...{ outDir, emptyOutDir: true, target: 'es2022' },
      lib: { entry, formats: ['es'], fileName: () => 'page.js' },
    },
  });
  return readFile(join(outDir, 'page.js'), 'utf8');
}
