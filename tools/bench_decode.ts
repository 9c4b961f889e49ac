// `npm run bench -- decode`: measures decoding of pocket and of a random 100 M-parameter model, in Node and in
// Chromium. Every figure of a row comes from one device in one run. With --traffic it measures nothing and counts instead
// what a step of these and of Qwen2.5-VL-3B moves.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { globals } from 'webgpu';
import { acquireDevice } from '../src/gpu/device';
import { formatBytes } from '../src/lib/format';
import { parseModelConfig } from '../src/model/config';
import { readModelJson } from '../src/model/vision_language_model';
import { WEIGHT_PRECISIONS } from '../src/model/weight_layout';
import {
  type DecodeOptions,
  type DecodeRow,
  measureDecode,
  RANDOM_CONFIG,
  randomModelFiles,
} from '../test/bench/decode';
import { decodeTraffic } from '../test/bench/traffic';
import { buildScript } from './bench_page';
import { BROWSER_ARGS, ensureBrowser } from './browser.mjs';
import { log, oneOf, UsageError, wholeNumber } from './command_line';
import { DESKTOP_TRAITS } from './memory_plan';
import { findModel } from './model_source';
import { createNodeGpu, repositoryRoot } from './node_gpu';

const USAGE = `options of the decode bench:
  --only LIST     of pocket, random, browser (default: all three)
  --model ID|DIR  the pocket model (default: the first built-in)
  --weights P     of the random model: ${WEIGHT_PRECISIONS.join(', ')} (default stored, bf16)
  --steps N       measured steps, capture off and on each (default 24)
  --traffic       count bytes and dispatches of a step from its trace; needs no GPU and no weights
  --json          one JSON object on stdout`;

const PARTS = ['pocket', 'random', 'browser'] as const;

interface MeasuredRow extends DecodeRow {
  /** `node` or `chromium`, with the adapter. */
  readonly where: string;
}

/** Runs the bench. @throws UsageError */
export async function run(args: string[]): Promise<void> {
  const call = readCall(args);
  if (call.traffic) return printTraffic(call);
  const rows: MeasuredRow[] = [];
  const add = (where: string, measured: readonly DecodeRow[]): void => {
    for (const row of measured) {
      rows.push({ ...row, where });
      log(formatRow(row, where));
    }
  };
  const pocket = (batch: number): DecodeOptions => ({
    name: batch === 1 ? 'pocket' : `pocket batch ${batch}`,
    ...{ context: 48, imageSide: 4, batch, steps: call.steps, promptPass: true },
  });
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  const device = gpu.traits.description;
  const where = `node, ${device}`;
  if (call.parts.includes('pocket')) {
    const { files } = await findModel(call.model);
    for (const batch of [1, 64]) add(where, await measureDecode(gpu, files, pocket(batch)));
  }
  if (call.parts.includes('random')) {
    const options = { name: 'random 100M', context: 512, imageSide: 16, batch: 1, steps: call.steps };
    const decode = { ...options, promptPass: false, precision: call.precision };
    add(where, await measureDecode(gpu, randomModelFiles(), decode));
  }
  await gpu.fence();
  gpu.destroy();
  if (call.parts.includes('browser')) {
    const found = await measureInBrowser(call.model, pocket(1));
    add(`chromium, ${found.adapter}`, found.rows);
  }
  if (call.json) process.stdout.write(`${JSON.stringify({ device, rows })}\n`);
}

function readCall(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string', default: PARTS.join(',') },
        model: { type: 'string' },
        weights: { type: 'string', default: 'stored' },
        steps: { type: 'string' },
        traffic: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const parts = values.only.split(',');
    const unknown = parts.find((part) => !PARTS.some((known) => known === part));
    if (unknown !== undefined) throw new Error(`There is no part "${unknown}".`);
    const steps = wholeNumber('steps', values.steps, 1, 24);
    const precision = oneOf('weights', values.weights, WEIGHT_PRECISIONS);
    const { model, traffic, json } = values;
    return { parts, model, precision, steps, traffic, json };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

const PUBLISHED_3B = 'configs/models/Qwen2.5-VL-3B-Instruct.json';

/** Counts a step of every model, without and with capture and an adapter, on a desktop's GPU. */
async function printTraffic({ model, json }: { model: string | undefined; json: boolean }): Promise<void> {
  // The constants of WebGPU, which a device that only counts names too.
  Object.assign(globalThis, globals);
  const published = JSON.parse(await readFile(join(repositoryRoot(), PUBLISHED_3B), 'utf8'));
  const configs = {
    pocket: await readModelJson((await findModel(model)).files, 'config.json'),
    'random 100M': RANDOM_CONFIG,
    'Qwen2.5-VL-3B': published,
  };
  const rows = [];
  for (const [name, config] of Object.entries(configs)) {
    for (const [imageTokens, rank] of [
      [null, null],
      [256, null],
      [256, 8],
    ] as const) {
      const options = { precision: 'int4', batch: 1, context: 512, imageTokens, rank } as const;
      const traffic = await decodeTraffic(DESKTOP_TRAITS, parseModelConfig(config), options);
      rows.push({ name, ...options, ...traffic });
      const { readBytes, writtenBytes, weightBytes, cacheBytes, dispatches, dispatchesPerLayer } = traffic;
      const ratio = (readBytes + writtenBytes) / (weightBytes + cacheBytes);
      const what = `${name}${imageTokens === null ? '' : ', captured'}${rank === null ? '' : ', adapted'}`;
      log(
        `${what.padEnd(36)} ${formatBytes(readBytes)} read, ${formatBytes(writtenBytes)} written, ${ratio.toFixed(3)} of weights and keys; ` +
          `${dispatches} dispatches, ${dispatchesPerLayer} a layer`,
      );
    }
  }
  if (json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
}

function formatRow(row: DecodeRow, where: string): string {
  const ratios = Object.values(row.ratioTo).map((ratio) => `, ${ratio.toFixed(3)} of the time without`);
  return (
    `${row.name.padEnd(26)} ${row.tokensPerSecond.toFixed(1)} tokens/s, ${row.ms.toFixed(2)} ms a step${ratios.join('')}, ` +
    `${row.dispatches} dispatches, ${row.creations} creations (${row.shape}; ${where})`
  );
}

/** The same measurement on a page of headless Chromium; nothing but this origin is served to it. */
async function measureInBrowser(
  model: string | undefined,
  options: DecodeOptions,
): Promise<{ adapter: string; rows: DecodeRow[] }> {
  const script = await buildScript('decode_page');
  const { files } = await findModel(model);
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath: ensureBrowser(), args: BROWSER_ARGS });
  try {
    const page = await browser.newPage();
    await page.route('**/*', async (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === '/') {
        const body = '<!doctype html><title>decode</title><script type="module" src="/page.js"></script>';
        return route.fulfill({ contentType: 'text/html', body });
      }
      if (pathname === '/page.js') return route.fulfill({ contentType: 'text/javascript', body: script });
      const source = await files.open(pathname.slice(pathname.lastIndexOf('/') + 1));
      if (source === null) return route.fulfill({ status: 404 });
      return route.fulfill({ body: Buffer.from(await source.read(0, source.size)) });
    });
    // Loopback counts as a secure context, which WebGPU needs; the route answers for it.
    await page.goto('http://localhost/');
    await page.waitForFunction(() => window.decodeReady);
    return await page.evaluate(([folder, o]) => window.measureDecode(folder, o), [
      files.name.replaceAll('/', '_'),
      options,
    ] as const);
  } finally {
    await browser.close();
  }
}
