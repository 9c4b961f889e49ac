// Every state of the gallery under axe in a browser, in light, in dark and in forced colours, with pictures of each and of a
// phone for people to look at: what `npm run soak -- gallery` runs. The gallery is built here, as it is no part of the page,
// and answered for beside the page under test, whose pictures and recordings it shows. What canvases without words show
// is held against test/gallery/snapshots; charts are not, as their labels are drawn in whatever font a machine has: what
// they show is asserted by number in test/ui/chart.
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import axe from 'axe-core';
import { build, type Plugin } from 'vite';
import { differencesFromSnapshots, drawnCanvases, keepSnapshots } from './canvas_snapshots';

const OUT = 'node_modules/.cache/look-back-gallery';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

/** How somebody may see the page. */
const LOOKS = [
  { name: 'light', media: { colorScheme: 'light', forcedColors: 'none' } },
  { name: 'dark', media: { colorScheme: 'dark', forcedColors: 'none' } },
  { name: 'forced colours', media: { colorScheme: 'dark', forcedColors: 'active' } },
] as const;

const DESK = { width: 1366, height: 768 };

// A recording of every state would take longer than the states.
test.use({ trace: 'off' });

/** States the order of the cascade's layers before any sheet: a bundler orders those of lazy parts as it likes. */
const layersFirst: Plugin = {
  name: 'layers-first',
  transformIndexHtml: () => {
    const children = readFileSync('src/ui/styles/layers.css', 'utf8');
    return [{ tag: 'style', children, injectTo: 'head-prepend' }];
  },
};

test.beforeAll(async () => {
  await build({
    ...{ configFile: false, root: 'test/gallery', base: './', publicDir: false, logLevel: 'error' },
    plugins: [layersFirst],
    build: {
      outDir: join(process.cwd(), OUT),
      emptyOutDir: true,
      target: 'es2022',
      minify: false,
      cssCodeSplit: false,
      reportCompressedSize: false,
    },
  });
});

/** Where the pictures go. */
const FOLDER = process.env.LOOKBACK_GALLERY ?? 'gallery';
/** Which states, by a pattern; all without one. */
const WANTED = new RegExp(process.env.LOOKBACK_STATES ?? '');

/** Answers for the built gallery below the page's own address; pictures and recordings are those of the page. */
async function serveGallery(page: Page, baseURL: string): Promise<void> {
  await page.route(`${baseURL}/gallery/**`, async (route) => {
    const url = route.request().url();
    const file = join(OUT, new URL(url).pathname.slice('/gallery/'.length) || 'index.html');
    const type = TYPES[extname(file)];
    if (type === undefined) await route.continue({ url: url.replace('/gallery/', '/') });
    else await route.fulfill({ body: readFileSync(file), contentType: type });
  });
}

/** Shows a state on a page of its own, as some leave a setting behind; false where it does not come about. */
async function show(page: Page, state: string): Promise<boolean> {
  await page.goto(`/gallery/?${state}#/state/${state}`);
  const there = (name: string) => document.documentElement.dataset.state === name;
  return page.waitForFunction(there, state, { timeout: 30_000 }).then(
    () => true,
    () => false,
  );
}

/** Takes pictures of the state on a desk and on a phone, for people to look at. */
async function shoot(page: Page, folder: string, state: string): Promise<void> {
  const name = join(folder, state.replace('/', '_'));
  for (const { name: look, media } of LOOKS) {
    await page.emulateMedia(media);
    await page.screenshot({ path: `${name}_${look.replace(' ', '_')}.png`, fullPage: true });
  }
  await page.emulateMedia(LOOKS[0].media);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: `${name}_phone.png`, fullPage: true });
  await page.setViewportSize(DESK);
}

test('no state of any panel has a finding of axe @gallery', async ({ page, baseURL }) => {
  test.setTimeout(1_200_000);
  await page.setViewportSize(DESK);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await serveGallery(page, baseURL ?? '');
  const broken: string[] = [];
  page.on('pageerror', (error) => broken.push(error.message));
  await page.addInitScript(() => localStorage.clear());
  await page.addInitScript({ content: axe.source });
  await page.goto('/gallery/');
  await page.waitForFunction(() => window.galleryStates !== undefined);
  const states = await page.evaluate(() => window.galleryStates);
  expect(states.length).toBeGreaterThan(50);
  const findings: string[] = [];
  const drawn = new Map<string, Buffer[]>();
  for (const state of states) {
    if (!WANTED.test(state)) continue;
    if (!(await show(page, state))) {
      broken.push(`${state} did not come about`);
      continue;
    }
    for (const { name, media } of LOOKS) {
      await page.emulateMedia(media);
      const found = await page.evaluate(findingsOf);
      findings.push(...found.map((one) => `${state} in ${name}: ${one}`));
      // A long pass that ends early has told what it found.
      for (const one of found) console.log(`${state} in ${name}: ${one}`);
    }
    await page.emulateMedia(LOOKS[0].media);
    drawn.set(state, await drawnCanvases(page));
    await shoot(page, FOLDER, state);
  }
  expect(broken).toEqual([]);
  expect(findings).toEqual([]);
  // LOOKBACK_SNAPSHOTS=write keeps what is drawn now, to be looked at before it is committed.
  if (process.env.LOOKBACK_SNAPSHOTS === 'write') keepSnapshots(drawn);
  expect(differencesFromSnapshots(drawn)).toEqual([]);
});

/** Runs axe in the page; every finding in one line. */
async function findingsOf(): Promise<string[]> {
  const { axe: inPage } = globalThis as unknown as { axe: typeof axe };
  const { violations } = await inPage.run(document, { resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}
