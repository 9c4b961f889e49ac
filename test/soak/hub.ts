// `npm run soak -- hub [--count N] [--gigabytes G] [--seed S]`: a tiny checkpoint is brought from a hub into Chromium N times
// (1,000 without) while faults come in the way, and it is paused, cancelled, reloaded and its Worker killed; then a random
// checkpoint of G gigabytes (7.5 without: the shapes of Qwen2.5-VL-3B) is brought, the browser killed half-way, and loaded
// with the hub off. The gate runs 8 rounds and 0.3 GB. It prints one line of JSON, and exits with 1 when weights were wrong,
// an error had no cause, something kept was fetched again, or the renderer grew by more than 600 MB.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { globals } from 'webgpu';
import QWEN2_5_VL_3B from '../../configs/models/Qwen2.5-VL-3B-Instruct.json';
import { countingGpu } from '../../src/gpu/counting_gpu';
import type { GpuContext } from '../../src/gpu/device';
import { memorySource } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { BROWSER_ARGS, ensureBrowser } from '../../tools/browser.mjs';
import { LEAST_TRAITS } from '../harness/device_traits';
import { readModel } from '../hub/hub_commands';
import { startHub } from '../hub/hub_server';
import { madeCheckpoint } from '../hub/made_checkpoint';
import { FaultRounds, together } from './hub/fault_rounds';
import { loadLarge } from './hub/large_load';
import { writtenWeights } from './hub/written_weights';
import { buildPage, servePage } from './soak_page';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    gigabytes: { type: 'string', default: '7.5' },
    seed: { type: 'string', default: '1' },
  },
});
const [count, gigabytes, seed] = [Number(values.count), Number(values.gigabytes), Number(values.seed)];
if (
  !Number.isInteger(count) ||
  count < 0 ||
  !(gigabytes >= 0) ||
  gigabytes > 7.5 ||
  !Number.isInteger(seed)
) {
  process.stderr.write('usage: npm run soak -- hub [--count N] [--gigabytes 0 to 7.5] [--seed S]\n');
  process.exit(2);
}

const WHOLE_GIGABYTES = 7.5;
const TABS = 8;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** The 3B model's settings; with fewer layers, blocks and words where less than all of it is wanted. */
function settingsOf(size: number): typeof QWEN2_5_VL_3B {
  const part = size / WHOLE_GIGABYTES;
  if (part >= 1) return QWEN2_5_VL_3B;
  const config = structuredClone(QWEN2_5_VL_3B);
  config.num_hidden_layers = Math.max(1, Math.floor(part * config.num_hidden_layers));
  config.vision_config.depth = Math.max(1, Math.floor(part * config.vision_config.depth));
  config.vision_config.fullatt_block_indexes = [0];
  config.vocab_size = Math.max(1024, 64 * Math.floor((part * config.vocab_size) / 64));
  for (const key of [
    'image_token_id',
    'video_token_id',
    'vision_start_token_id',
    'vision_end_token_id',
  ] as const)
    config[key] = config.vocab_size - 10 + (config[key] % 10);
  return config;
}

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'look-back-hub-'));
const profile = join(folder, 'profile');
await buildPage(root, 'test/soak/hub/page.html', join(folder, 'page'));
const server = await servePage([join(folder, 'page')], () => ({}));
const executablePath = ensureBrowser();

async function ready(page: Page): Promise<Page> {
  page.setDefaultTimeout(0);
  await page.goto(`${server.origin}/test/soak/hub/page.html`);
  await page.waitForFunction(() => window.hubSoak !== undefined);
  return page;
}

async function open() {
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: BROWSER_ARGS });
  const [page = await context.newPage()] = context.pages();
  return { context, page: await ready(page) };
}

/** Digest of a load of the tiny checkpoint from its own files. */
async function tinyDigest(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  // The constants of WebGPU, which a device that only counts names too.
  Object.assign(globalThis, globals);
  const open: ModelFiles['open'] = async (name) => {
    const file = files[name];
    return file === undefined ? null : memorySource(name, file);
  };
  const { gpu } = countingGpu({ traits: LEAST_TRAITS } as GpuContext);
  return writtenWeights({ name: 'tiny', open }, gpu);
}

/** Several tabs share the rounds, each with its hub and its copy of the model: most of a round is waiting. */
async function runRounds() {
  const files = await readModel({ id: '', folder: join(root, 'test/fixtures/tiny-qwen2_5_vl') });
  const digest = await tinyDigest(files);
  const { context, page } = await open();
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 1000);
  const runs: FaultRounds[] = [];
  const outcome = () => ({ ...together(runs.map(({ summary }) => summary)), seconds: seconds() });
  const onRound = (): void => {
    const so = outcome();
    if (so.rounds % 10 === 0) say(`${so.rounds} rounds after ${so.seconds} s: ${so.loaded} loaded`);
    if (so.rounds % 100 === 0) say(JSON.stringify(so));
  };
  const runTab = async (tab: number): Promise<void> => {
    const id = `tiny/model-${tab}`;
    const hub = await startHub({ [id]: files });
    const own = tab === 0 ? page : await ready(await context.newPage());
    const rounds = new FaultRounds(own, hub, { id, digest }, seed + tab);
    runs.push(rounds);
    await rounds.run(Math.floor((count + tab) / TABS), onRound);
    await hub.close();
  };
  await Promise.all(Array.from({ length: TABS }, (_, tab) => runTab(tab)));
  await context.close();
  return outcome();
}

async function runLarge() {
  const settings = settingsOf(gigabytes);
  say('hashing the checkpoint');
  const weights = madeCheckpoint(settings);
  const config = new TextEncoder().encode(JSON.stringify(settings));
  const hub = await startHub({ 'large/model': { 'config.json': config, 'model.safetensors': weights } });
  const bytes = weights.length + config.length;
  return loadLarge({ hub, id: 'large/model', bytes, profile, open, say });
}

try {
  const rounds = count > 0 ? await runRounds() : null;
  const large = gigabytes > 0 ? await runLarge() : null;
  process.stdout.write(`${JSON.stringify({ seed, rounds, large })}\n`);
  const failed = (rounds?.violations.length ?? 0) + (large?.violations.length ?? 0);
  const checks = (rounds?.rounds ?? 0) + (large === null ? 0 : 1);
  const { LOOKBACK_COUNTS: counts } = process.env;
  if (counts)
    writeFileSync(counts, JSON.stringify({ passed: Math.max(0, checks - failed), failed, skipped: 0 }));
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  server.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
