// `npm run bench -- gemm`: measures GFLOP/s of our GEMM at fixed shapes, in Node or in Chromium, beside other
// libraries if asked. With --peers every shape is measured by all libraries in turn, in one browser, on one adapter.

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from '@playwright/test';
import { acquireDevice } from '../src/gpu/device';
import type { GemmMode, GemmOptions } from '../src/kernels/gemm';
import type { WeightFormat } from '../src/kernels/weight_format';
import { type GemmTiming, measureGemm } from '../test/bench/gemm';
import { BROWSER_ARGS, ensureBrowser } from './browser.mjs';
import { log, UsageError, wholeNumber } from './command_line';
import { createNodeGpu, repositoryRoot } from './node_gpu';

const USAGE = `options of the gemm bench:
  --mode nn|nt|tn    how operands are stored (default nn, what other libraries multiply; linear layers are nt)
  --weight DTYPE     f32, bf16 or f16 (default f32)
  --shapes LIST      MxKxN,… (default: the fixed shapes)
  --variant NAME     one kernel variant instead of the chosen one
  --repeat N         rounds over all libraries per shape, the best of each is kept (default 1)
  --browser          in headless Chromium instead of Node
  --peers DIR        also jax-js, TensorFlow.js and ONNX Runtime Web, installed in DIR; implies --browser
  --json             one JSON object on stdout`;

/** M, K, N: cubes, single and few rows of a 0.5 B model's width, and two awkward ones. */
const SHAPES =
  '64x64x64,128x128x128,256x256x256,512x512x512,1x896x896,2x896x896,4x896x896,8x896x896,300x128x512,512x512x8';

/** One row of the report: GFLOP/s, results read back unless said otherwise. */
interface Row {
  readonly shape: string;
  readonly variant: string;
  readonly gflops: number;
  readonly queued: number;
  readonly compileMs: number;
  readonly roundings: number;
  readonly peers?: Record<string, number>;
}

/** Runs the bench. @throws UsageError */
export async function run(args: string[]): Promise<void> {
  const options = readOptions(args);
  const shapes = options.shapes.split(',').map((text) => parseShape(text, options.mode, options.weight));
  const rounds = wholeNumber('repeat', options.repeat, 1, 1);
  const session = options.browser ? await openBrowser(options.peers) : await openNode();
  const rows: Row[] = [];
  try {
    log(`adapter: ${session.adapter}`);
    for (const shape of shapes) {
      const row = await measureRow(session, shape, options.variant, rounds);
      rows.push(row);
      log(formatRow(row));
    }
  } finally {
    await session.close();
  }
  if (options.json)
    process.stdout.write(`${JSON.stringify({ adapter: session.adapter, ...options, rows })}\n`);
}

interface Session {
  readonly adapter: string;
  measure(shape: GemmOptions, variant: string | undefined): Promise<GemmTiming>;
  /** Milliseconds by library. */
  readonly peers?: (shape: GemmOptions) => Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** Libraries take turns, so that whatever else the machine does meets all of them; the best round of each counts. */
async function measureRow(
  session: Session,
  shape: GemmOptions,
  variant: string | undefined,
  rounds: number,
): Promise<Row> {
  let best = await session.measure(shape, variant);
  const peers = { ...(await session.peers?.(shape)) };
  for (let round = 1; round < rounds; round++) {
    const next = await session.measure(shape, variant);
    best = {
      ...best,
      readBackMs: Math.min(best.readBackMs, next.readBackMs),
      queuedMs: Math.min(best.queuedMs, next.queuedMs),
      roundings: Math.max(best.roundings, next.roundings),
    };
    for (const [name, ms] of Object.entries((await session.peers?.(shape)) ?? {})) {
      peers[name] = Math.min(peers[name] ?? ms, ms);
    }
  }
  return toRow(shape, best, session.peers ? peers : undefined);
}

function readOptions(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        mode: { type: 'string', default: 'nn' },
        weight: { type: 'string', default: 'f32' },
        shapes: { type: 'string', default: SHAPES },
        variant: { type: 'string' },
        repeat: { type: 'string', default: '1' },
        browser: { type: 'boolean', default: false },
        peers: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    return { ...values, browser: values.browser || values.peers !== undefined };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function parseShape(text: string, mode: string, weight: string): GemmOptions {
  const match = /^(\d+)x(\d+)x(\d+)$/.exec(text);
  if (!match || !['nn', 'nt', 'tn'].includes(mode) || !['f32', 'bf16', 'f16'].includes(weight)) {
    throw new UsageError(`Cannot run shape "${text}" in mode "${mode}" with ${weight} weights.\n${USAGE}`);
  }
  const [m = 0, k = 0, n = 0] = match.slice(1).map(Number);
  return { m, n, k, mode: mode as GemmMode, weight: weight as WeightFormat };
}

function toRow(o: GemmOptions, timing: GemmTiming, peers: Record<string, number> | undefined): Row {
  const rate = (ms: number) => (2 * o.m * o.n * o.k) / ms / 1e6;
  return {
    shape: `${o.m}x${o.k}x${o.n}`,
    variant: timing.variant,
    gflops: rate(timing.readBackMs),
    queued: rate(timing.queuedMs),
    compileMs: timing.compileMs,
    roundings: timing.roundings,
    ...(peers && { peers: Object.fromEntries(Object.entries(peers).map(([name, ms]) => [name, rate(ms)])) }),
  };
}

function formatRow(row: Row): string {
  const peers = Object.entries(row.peers ?? {}).map(([name, rate]) => `${name} ${rate.toFixed(2)}`);
  const ours = `${row.gflops.toFixed(2)} GFLOP/s (queued ${row.queued.toFixed(2)})`;
  return `${row.shape.padEnd(12)} ${ours.padEnd(32)} ${peers.join('  ').padEnd(peers.length ? 36 : 0)} ${row.variant}`;
}

async function openNode(): Promise<Session> {
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  return {
    adapter: gpu.traits.description,
    measure: (shape, variant) => measureGemm(gpu, shape, variant),
    close: async () => gpu.destroy(),
  };
}

async function openBrowser(peersFolder: string | undefined): Promise<Session> {
  const folder = join(repositoryRoot(), 'node_modules/.cache/look-back/bench_gemm_page');
  await buildPage(folder);
  const peers = peersFolder === undefined ? undefined : resolve(peersFolder);
  if (peers) await buildPeers(peers, join(folder, 'peers'));
  const { origin, stop } = await serve(folder, peers);
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath: ensureBrowser(), args: BROWSER_ARGS });
  const close = async () => {
    await browser.close();
    stop();
  };
  try {
    const page = await browser.newPage();
    await page.goto(`${origin}/ours`);
    await page.waitForFunction(() => window.gemmReady);
    const peersPage = peers ? await openPeers(await browser.newPage(), origin) : undefined;
    return {
      adapter: await page.evaluate(() => window.gemmAdapter),
      measure: (shape, variant) =>
        page.evaluate(([o, name]) => window.measureGemm(o, name), [shape, variant] as const),
      ...(peersPage && { peers: (shape: GemmOptions) => measurePeers(peersPage, shape) }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function buildPage(outDir: string): Promise<void> {
  const { build } = await import('vite');
  const entry = join(repositoryRoot(), 'test/bench/gemm_page.ts');
  await build({
    root: repositoryRoot(),
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      lib: { entry, formats: ['es'], fileName: () => 'ours.js' },
    },
  });
}

/** Bundles `gemm.js` of the peers' folder with the bundler installed there. */
async function buildPeers(folder: string, outdir: string): Promise<void> {
  const bundler = pathToFileURL(join(folder, 'node_modules/esbuild/lib/main.js')).href;
  const { build } = (await import(/* @vite-ignore */ bundler)) as {
    build(options: Record<string, unknown>): Promise<unknown>;
  };
  await build({
    entryPoints: [join(folder, 'gemm.js')],
    absWorkingDir: folder,
    bundle: true,
    format: 'esm',
    outdir,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serves both pages on loopback; the isolation headers give pages their finest clock. */
async function serve(folder: string, peers: string | undefined) {
  const fileOf = (path: string): string | undefined => {
    if (path === '/ours.js') return join(folder, 'ours.js');
    if (!peers || path.includes('..')) return undefined;
    if (path === '/peers.js') return join(folder, 'peers/gemm.js');
    if (path.startsWith('/ort/')) return join(peers, 'node_modules/onnxruntime-web/dist', path.slice(5));
    return path === '/matmul.onnx' ? join(peers, 'matmul.onnx') : undefined;
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (path === '/ours' || path === '/peers') {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>gemm</title><script type="module" src="${path}.js"></script>`);
      return;
    }
    const file = fileOf(path);
    const notFound = () => {
      response.statusCode = 404;
      response.end();
    };
    if (!file) return notFound();
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).on('error', notFound).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
}

/** What the peers' page offers: milliseconds by library for each [M, K, N]. */
interface PeersWindow {
  readonly ready?: boolean;
  bench(shapes: number[][]): Promise<{ rows: Record<string, unknown>[]; errors: Record<string, string> }>;
}

async function openPeers(page: Page, origin: string): Promise<Page> {
  await page.goto(`${origin}/peers`);
  await page.waitForFunction(() => (window as unknown as PeersWindow).ready);
  return page;
}

async function measurePeers(page: Page, o: GemmOptions): Promise<Record<string, number>> {
  const shape = [o.m, o.k, o.n];
  const { rows, errors } = await page.evaluate((s) => (window as unknown as PeersWindow).bench([s]), shape);
  for (const [name, reason] of Object.entries(errors)) log(`${name}: ${reason}`);
  const times = Object.entries(rows[0] ?? {}).filter(
    ([name, value]) => !/^[MKN]$/.test(name) && typeof value === 'number',
  );
  return Object.fromEntries(times) as Record<string, number>;
}
