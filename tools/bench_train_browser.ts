// Runs the browser half of the train bench: a page of headless Chromium in which one small GPT is trained by our
// kernels and by jax-js in turns. Both run on one adapter in one page, and nothing else is served to it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GptComparison } from '../test/bench/train_page';
import { BROWSER_ARGS, ensureBrowser } from './browser.mjs';
import { repositoryRoot } from './node_gpu';

/**
 * Trains on a page.
 * @param library folder with the built modules of @jax-js/jax
 */
export async function compareInBrowser(
  library: string,
  steps: number,
  warmUp: number,
): Promise<GptComparison> {
  const script = await buildPage();
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath: ensureBrowser(), args: BROWSER_ARGS });
  try {
    const page = await browser.newPage();
    await page.route('**/*', async (route) => {
      const { pathname } = new URL(route.request().url());
      const serve = (contentType: string, body: string): Promise<void> =>
        route.fulfill({ contentType, body });
      if (pathname === '/')
        return serve('text/html', '<!doctype html><script type="module" src="/page.js"></script>');
      if (pathname === '/page.js') return serve('text/javascript', script);
      const module = /^\/jax\/([\w-]+\.js)$/.exec(pathname)?.[1];
      if (!module) return route.fulfill({ status: 404 });
      return serve('text/javascript', await readFile(join(library, module), 'utf8'));
    });
    // Loopback counts as a secure context, which WebGPU needs; the route answers for it.
    await page.goto('http://localhost/');
    await page.waitForFunction(() => window.trainReady);
    return await page.evaluate(([s, w]) => window.compareGpt(s, w), [steps, warmUp] as const);
  } finally {
    await browser.close();
  }
}

async function buildPage(): Promise<string> {
  const { build } = await import('vite');
  const outDir = join(repositoryRoot(), 'node_modules/.cache/look-back/bench_train_page');
  const entry = join(repositoryRoot(), 'test/bench/train_page.ts');
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
