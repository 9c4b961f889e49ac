// `npm run bench -- peers`: products of a decoder layer by our kernels and by ONNX Runtime Web's WebGPU backend, on one page of
// headless Chromium, in turns, with results checked. Ratios are of neighbouring rounds of one run.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PeerProduct, PeerTimes } from '../test/bench/peers_page';
import { BROWSER_ARGS, ensureBrowser } from './browser.mjs';
import { log, UsageError, wholeNumber } from './command_line';
import { repositoryRoot } from './node_gpu';
import { type PeerPackage, peerModules } from './peer_package';

const USAGE = `options of the peers bench:
  --shapes LIST   MxNxK:f32|int4,… (default: projections of Qwen2.5-VL-3B at 1, 4, 8 and 256 rows)
  --rounds N      of each product by each library (default 5)
  --peers DIR     where onnxruntime-web is installed (default: a cache folder, into which npm installs it)
  --json          one JSON object on stdout`;

const ORT: PeerPackage = {
  name: 'onnxruntime-web',
  version: '1.30.0',
  entry: 'ort.webgpu.bundle.min.mjs',
};

/** The fused query, key and value projection at decoding's and prefill's rows, and the larger ones at one row. */
const SHAPES = [
  ...[1, 4, 8, 256].flatMap((m) => [`${m}x2560x2048:int4`, `${m}x2560x2048:f32`]),
  ...['1x2048x11008:int4', '1x22016x2048:int4'],
];

/** A product as the report has it. */
interface PeerRow extends PeerTimes, PeerProduct {
  /** Medians, milliseconds of a call: input written, result read back. */
  readonly ms: { readonly ours: number; readonly onnx: number };
  /** ONNX Runtime's time over ours, of neighbouring calls: least, median, largest. */
  readonly ratio: readonly [number, number, number];
}

/** Runs the bench. @throws UsageError */
export async function run(args: string[]): Promise<void> {
  const call = readCall(args);
  const library = peerModules(ORT, call.peers);
  const script = await buildPage();
  const { chromium } = await import('@playwright/test');
  const browser = await chromium.launch({ executablePath: ensureBrowser(), args: BROWSER_ARGS });
  const rows: PeerRow[] = [];
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => log(`the page: ${error.message}`));
    await page.route('**/*', async (route) => {
      const { pathname } = new URL(route.request().url());
      const headers = {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      };
      const serve = (contentType: string, body: string | Buffer): Promise<void> =>
        route.fulfill({ contentType, headers, body });
      if (pathname === '/')
        return serve('text/html', '<!doctype html><script type="module" src="/page.js"></script>');
      if (pathname === '/page.js') return serve('text/javascript', script);
      const file = /^\/ort\/([\w.-]+\.(mjs|wasm))$/.exec(pathname);
      if (!file?.[1]) return route.fulfill({ status: 404 });
      const type = file[2] === 'wasm' ? 'application/wasm' : 'text/javascript';
      return serve(type, await readFile(join(library, file[1])));
    });
    // Loopback counts as a secure context, which WebGPU needs; the route answers for it.
    await page.goto('http://localhost/');
    await page.waitForFunction(() => window.peersReady);
    const adapter = await page.evaluate(() => window.peersAdapter);
    log(`adapter: ${adapter}; ${ORT.name} ${ORT.version}`);
    for (const shape of call.shapes) {
      const times = await page.evaluate(([product, rounds]) => window.measureProduct(product, rounds), [
        shape,
        call.rounds,
      ] as const);
      // Sums of f32 are off by a few 1e-7 of their terms' sizes; a wrong product by more than 1e-2.
      const worst = Math.max(times.error.ours, times.error.onnx);
      if (!(worst < 1e-4))
        throw new Error(`A result is off by ${worst}: ${JSON.stringify({ ...shape, ...times.error })}`);
      const row = rowOf(shape, times);
      rows.push(row);
      log(formatRow(row));
    }
    if (call.json) process.stdout.write(`${JSON.stringify({ adapter, peer: ORT, rows })}\n`);
  } finally {
    await browser.close();
  }
}

function readCall(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        shapes: { type: 'string', default: SHAPES.join(',') },
        rounds: { type: 'string' },
        peers: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const { peers, json } = values;
    return {
      shapes: values.shapes.split(',').map(parseShape),
      rounds: wholeNumber('rounds', values.rounds, 1, 5),
      peers,
      json,
    };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function parseShape(text: string): PeerProduct {
  const match = /^(\d+)x(\d+)x(\d+):(f32|int4)$/.exec(text);
  const [m = 0, n = 0, k = 0] = (match?.slice(1, 4) ?? []).map(Number);
  if (!match || m === 0 || n === 0 || k === 0 || k % 32 !== 0)
    throw new Error(`"${text}" is no product: MxNxK:f32 or MxNxK:int4, K a multiple of 32.`);
  return { m, n, k, weight: match[4] === 'int4' ? 'int4' : 'f32' };
}

function sortedOf(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function rowOf(product: PeerProduct, times: PeerTimes): PeerRow {
  const median = (values: readonly number[]): number => sortedOf(values)[values.length >> 1] ?? Number.NaN;
  const ratios = sortedOf(times.onnx.map((ms, round) => ms / (times.ours[round] ?? Number.NaN)));
  const ratio = [ratios[0] ?? 0, median(ratios), ratios.at(-1) ?? 0] as const;
  return { ...product, ...times, ms: { ours: median(times.ours), onnx: median(times.onnx) }, ratio };
}

function formatRow({ m, n, k, weight, ms, ratio, error, variant }: PeerRow): string {
  const [least, middle, most] = ratio.map((value) => value.toFixed(2));
  const shape = `${m}×${n}×${k} ${weight}`.padEnd(22);
  const off = `off by ${error.ours.toExponential(1)} and ${error.onnx.toExponential(1)}`;
  return `${shape} ours ${ms.ours.toPrecision(3)} ms, ONNX Runtime ${ms.onnx.toPrecision(3)} ms: ${middle} × as fast (${least} to ${most}); ${off}; ${variant}`;
}

async function buildPage(): Promise<string> {
  const { build } = await import('vite');
  const outDir = join(repositoryRoot(), 'node_modules/.cache/look-back/bench_peers_page');
  const entry = join(repositoryRoot(), 'test/bench/peers_page.ts');
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
