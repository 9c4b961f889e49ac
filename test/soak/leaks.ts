// `npm run soak -- leaks [--questions N] [--reloads N] [--steps N]`: 200 questions, 20 reloads of the model and 300 steps
// of SFT in Chromium, through the page's own client. GPU memory and JavaScript heaps must be where they were after the
// tenth of each. It prints every reading and one line of JSON, and exits with 1 when something has grown.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { BROWSER_ARGS, ensureBrowser } from '../../tools/browser.mjs';
import type { GpuReading } from './leaks/gpu_meter';
import { type HeapReading, openHeapMeter } from './leaks/heap_meter';
import { buildPage, servePage } from './soak_page';

/** Readings are compared from the tenth on: until then pipelines compile and pools fill. */
const SETTLED = 10;
/**
 * The heaps may grow by so much: V8's lists of hidden classes and of the code that depends on them grow with the code,
 * and end. One kept kilobyte for each of 200 questions would be more.
 */
const HEAP_TOLERANCE = 160 * 2 ** 10;

const { values } = parseArgs({
  options: {
    questions: { type: 'string', default: '200' },
    reloads: { type: 'string', default: '20' },
    steps: { type: 'string', default: '300' },
  },
});
const [questions, reloads, steps] = [Number(values.questions), Number(values.reloads), Number(values.steps)];
if (![questions, reloads, steps].every((count) => Number.isInteger(count) && count >= 2)) {
  process.stderr.write(
    'usage: npm run soak -- leaks [--questions N] [--reloads N] [--steps N], each from 2 on\n',
  );
  process.exit(2);
}

interface Reading extends HeapReading {
  readonly gpu: GpuReading;
}

/** When the first reading is taken: after the tenth, or half-way in a short soak. */
const settledAfter = (count: number): number => Math.min(SETTLED, count >> 1);

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'look-back-leaks-'));
await buildPage(root, 'test/soak/leaks/page.html', folder);
const server = await servePage([folder, join(root, 'public')], () => ({}));
const browser = await chromium.launch({ executablePath: ensureBrowser(), args: BROWSER_ARGS });
const grown: string[] = [];
const readings: Record<string, { before: Reading; after: Reading }> = {};
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  await page.goto(`${server.origin}/test/soak/leaks/page.html`);
  await page.waitForFunction(() => window.leaks !== undefined);
  await page.evaluate(() => window.leaks.start());
  const heap = await openHeapMeter(page);
  const read = async (): Promise<Reading> => {
    await page.evaluate(() => window.leaks.settle());
    const gpu = await page.evaluate(() => window.leaks.readGpu());
    return { gpu, ...(await heap()) };
  };
  const say = (what: string, { gpu, page: own, worker }: Reading): void => {
    const mega = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
    process.stdout.write(
      `${what.padEnd(28)} GPU ${mega(gpu.bytes)} in ${gpu.buffers} buffers, page ${mega(own)}, worker ${mega(worker)}\n`,
    );
  };
  const compare = (what: string, before: Reading, after: Reading): void => {
    readings[what] = { before, after };
    if (after.gpu.bytes !== before.gpu.bytes || after.gpu.buffers !== before.gpu.buffers)
      grown.push(`${what}: GPU memory`);
    for (const part of ['page', 'worker'] as const)
      if (after[part] > before[part] + HEAP_TOLERANCE) grown.push(`${what}: heap of the ${part}`);
  };

  const asked = settledAfter(questions);
  await page.evaluate((count) => window.leaks.ask(0, count), asked);
  const early = await read();
  say(`after question ${asked}`, early);
  await page.evaluate(([from, count]) => window.leaks.ask(from, count), [asked, questions - asked] as const);
  const late = await read();
  say(`after question ${questions}`, late);
  compare('questions', early, late);

  const loaded = settledAfter(reloads);
  await page.evaluate((count) => window.leaks.reload(count), loaded);
  const first = await read();
  say(`after reload ${loaded}`, first);
  await page.evaluate((count) => window.leaks.reload(count), reloads - loaded);
  const last = await read();
  say(`after reload ${reloads}`, last);
  compare('reloads', first, last);

  // A first run, which fetches the trainers: they stay.
  await page.evaluate(() => window.leaks.train(2));
  await page.evaluate(() => window.leaks.pauseAfter(1));
  await page.evaluate(() => window.leaks.stop());
  const idle = await read();
  say('after a first run', idle);

  const stepped = settledAfter(steps);
  await page.evaluate((count) => window.leaks.train(count), steps);
  await page.evaluate((step) => window.leaks.pauseAfter(step), stepped);
  const begun = await read();
  say(`paused after step ${stepped}`, begun);
  await page.evaluate(() => window.leaks.resume());
  await page.evaluate((step) => window.leaks.pauseAfter(step), steps);
  const trained = await read();
  say(`paused after step ${steps}`, trained);
  compare('steps', begun, trained);
  await page.evaluate(() => window.leaks.stop());
  const ended = await read();
  say('after the run', ended);
  compare('run', idle, ended);
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.stdout.write(`${JSON.stringify({ questions, reloads, steps, grown, readings })}\n`);
process.exit(grown.length === 0 ? 0 : 1);
