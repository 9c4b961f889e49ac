// `npm run bench -- peers`: products, whole text models and training steps by us and by other libraries, on one page and adapter of
// headless Chromium, in turns, with results checked. Ratios are of neighbouring rounds of one run.

import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { PeerProduct, ProductTimes } from '../test/bench/peer_products';
import type { ModelTimes, PeerPass } from '../test/bench/peers_page';
import { type BenchBrowser, openBenchBrowser } from './bench_page';
import { log, UsageError, wholeNumber } from './command_line';
import { JAX_JS, ONNX_RUNTIME, type PeerPackage, peerModules } from './peer_package';

const USAGE = `options of the peers bench:
  --only LIST       of products, models, training (default: all)
  --rounds N        of each row by each library (default 3)
  --shapes LIST     products: MxNxK:f32|int4,… (default: projections of Qwen2.5-VL-3B at 1, 4, 8 and 256 rows)
  --passes LIST     models: PEER:f32|int4:decode|prefill:TOKENS,… where PEER is onnx or jax
  --layers N        of the model (default 12, 101 M parameters)
  --training-layers N  of the model that is trained (default 2)
  --peers DIR       where onnxruntime-web and @jax-js/jax are installed (default: cache folders, into which npm installs them)
  --json            one JSON object on stdout`;

/** The fused query, key and value projection at decoding's and prefill's rows, and the larger ones at one row. */
const SHAPES = [
  ...[1, 4, 8, 256].flatMap((m) => [`${m}x2560x2048:int4`, `${m}x2560x2048:f32`]),
  ...['1x2048x11008:int4', '1x22016x2048:int4'],
];
const PASSES = [
  ...['int4:decode:128', 'int4:decode:512', 'int4:prefill:64', 'int4:prefill:256', 'f32:decode:128'].map(
    (work) => `onnx:${work}`,
  ),
  ...['jax:f32:decode:128', 'jax:f32:decode:512'],
];
const PARTS = ['products', 'models', 'training'] as const;

/** Sums of f32 are off by a few 1e-7 of their terms' sizes; a wrong product by more than 1e-2. */
const PRODUCT_TOLERANCE = 1e-4;
/**
 * Of the largest logit. In f32 sums are taken in another order through all layers, which leaves about 1e-5; over int4 our cache
 * keeps its keys and values in f16, which rounds them by 2^-11. A wrong scale, mask or position gives more than 0.1.
 */
const PASS_TOLERANCE = { f32: 1e-3, int4: 1e-2 } as const;
/** Of the loss; a wrong gradient parts the two by more than 1e-2 within a few steps. */
const LOSS_TOLERANCE = 1e-3;

/** A row of the report. */
interface PeerRow {
  readonly name: string;
  readonly peer: string;
  /** Milliseconds of every round. */
  readonly times: { readonly ours: readonly number[]; readonly peer: readonly number[] };
  /** Medians. */
  readonly ms: { readonly ours: number; readonly peer: number };
  /** The peer's time over ours, of neighbouring rounds: least, median, largest. */
  readonly ratio: readonly [number, number, number];
  /** Processes that wanted to run while it was measured, over the last minute. */
  readonly load: number;
  /** How results were compared, in words. */
  readonly note: string;
  readonly details: ProductTimes | ModelTimes;
}

type Call = ReturnType<typeof readCall>;

/** Runs the bench. @throws UsageError */
export async function run(args: string[]): Promise<void> {
  const call = readCall(args);
  const libraries = {
    ort: peerModules(ONNX_RUNTIME, call.peers),
    jax: peerModules(JAX_JS, call.peers),
  };
  const browser = await openBenchBrowser({ script: 'peers_page', libraries });
  const rows: PeerRow[] = [];
  const add = (row: PeerRow): void => {
    rows.push(row);
    log(formatRow(row));
  };
  try {
    const adapter = await onPage(browser, (page) => page.evaluate(() => window.peersAdapter));
    const peers = [ONNX_RUNTIME, JAX_JS];
    log(`adapter: ${adapter}; ${peers.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
    if (call.parts.includes('products')) await runProducts(browser, call, add);
    if (call.parts.includes('models')) await runPasses(browser, call, add);
    if (call.parts.includes('training')) await runTraining(browser, call, add);
    if (call.json) process.stdout.write(`${JSON.stringify({ adapter, peers, rows })}\n`);
  } finally {
    await browser.close();
  }
}

type Use<T> = Parameters<BenchBrowser['withPage']>[0] extends (page: infer P) => unknown
  ? (page: P) => Promise<T>
  : never;

function onPage<T>(browser: BenchBrowser, use: Use<T>): Promise<T> {
  return browser.withPage(async (page) => {
    await page.waitForFunction(() => window.peersReady);
    return use(page);
  });
}

async function runProducts(
  browser: BenchBrowser,
  { shapes, rounds }: Call,
  add: (row: PeerRow) => void,
): Promise<void> {
  for (const shape of shapes) {
    const times = await onPage(browser, (page) =>
      page.evaluate(([product, count]) => window.measureProduct(product, count), [shape, rounds] as const),
    );
    const { ours, peer } = times.error;
    checkWithin(`a product of ${JSON.stringify(shape)}`, Math.max(ours, peer), PRODUCT_TOLERANCE);
    const { m, n, k, weight } = shape;
    const note = `off by ${ours.toExponential(1)} and ${peer.toExponential(1)}; ${times.variant}`;
    add(rowOf(`${m}×${n}×${k} ${weight}`, ONNX_RUNTIME, times, note));
  }
}

async function runPasses(
  browser: BenchBrowser,
  { passes, rounds }: Call,
  add: (row: PeerRow) => void,
): Promise<void> {
  for (const pass of passes) {
    const times = await onPage(browser, (page) =>
      page.evaluate(([what, count]) => window.measurePass(what, count), [pass, rounds] as const),
    );
    const { precision, work, peer } = pass;
    const what = 'keys' in work ? `decode over ${work.keys} keys` : `prefill of ${work.prompt} tokens`;
    checkWithin(`the logits of ${what}, ${precision}`, times.difference, PASS_TOLERANCE[precision]);
    const name = `${what}, ${precision}, ${millions(times)}`;
    const note = `logits within ${times.difference.toExponential(1)}`;
    add(rowOf(name, peer === 'onnx' ? ONNX_RUNTIME : JAX_JS, times, note));
  }
}

async function runTraining(
  browser: BenchBrowser,
  { trainingLayers, rounds }: Call,
  add: (row: PeerRow) => void,
): Promise<void> {
  const times = await onPage(browser, (page) =>
    page.evaluate(([layers, count]) => window.measureLora(layers, count), [trainingLayers, rounds] as const),
  );
  checkWithin('a loss', times.difference, LOSS_TOLERANCE);
  const [first, last] = [times.losses?.[0]?.[0] ?? Number.NaN, times.losses?.at(-1)?.[0] ?? Number.NaN];
  const fall = `from ${first.toFixed(3)} to ${last.toFixed(3)}`;
  const note = `losses within ${times.difference.toExponential(1)}, ${fall}`;
  add(rowOf(`LoRA step of 512 tokens, f32, ${millions(times)}`, JAX_JS, times, note));
}

const millions = ({ parameters }: ModelTimes): string => `${Math.round(parameters / 1e6)} M parameters`;

function checkWithin(what: string, value: number, limit: number): void {
  if (!(value < limit)) throw new Error(`The libraries disagree: ${what} by ${value}, more than ${limit}.`);
}

function readCall(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string', default: PARTS.join(',') },
        shapes: { type: 'string', default: SHAPES.join(',') },
        passes: { type: 'string', default: PASSES.join(',') },
        rounds: { type: 'string' },
        layers: { type: 'string' },
        'training-layers': { type: 'string' },
        peers: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const parts = values.only.split(',');
    const unknown = parts.find((part) => !PARTS.some((known) => known === part));
    if (unknown !== undefined) throw new Error(`"${unknown}" is none of ${PARTS.join(', ')}.`);
    const layers = wholeNumber('layers', values.layers, 1, 12);
    return {
      parts,
      shapes: values.shapes.split(',').map(parseShape),
      passes: values.passes.split(',').map((text) => parsePass(text, layers)),
      rounds: wholeNumber('rounds', values.rounds, 1, 3),
      trainingLayers: wholeNumber('training-layers', values['training-layers'], 1, 2),
      peers: values.peers,
      json: values.json,
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

function parsePass(text: string, layers: number): PeerPass {
  const [, peer, precision, kind, count] = /^(onnx|jax):(f32|int4):(decode|prefill):(\d+)$/.exec(text) ?? [];
  const tokens = Number(count);
  if (!(tokens > 0)) throw new Error(`"${text}" is no pass: onnx|jax:f32|int4:decode|prefill:TOKENS.`);
  if (peer === 'jax' && (precision !== 'f32' || kind !== 'decode'))
    throw new Error(`"${text}": jax-js decodes in f32 here and does nothing else.`);
  return {
    ...{ layers, peer: peer === 'jax' ? 'jax' : 'onnx', precision: precision === 'f32' ? 'f32' : 'int4' },
    work: kind === 'decode' ? { keys: tokens } : { prompt: tokens },
  };
}

function sortedOf(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function rowOf(
  name: string,
  { name: peer }: PeerPackage,
  details: ProductTimes | ModelTimes,
  note: string,
): PeerRow {
  const { ours, peer: theirs } = details;
  const median = (values: readonly number[]): number => sortedOf(values)[values.length >> 1] ?? Number.NaN;
  const ratios = sortedOf(theirs.map((ms, round) => ms / (ours[round] ?? Number.NaN)));
  return {
    ...{ name, peer, note, details, times: { ours, peer: theirs }, load: loadavg()[0] ?? Number.NaN },
    ms: { ours: median(ours), peer: median(theirs) },
    ratio: [ratios[0] ?? Number.NaN, median(ratios), ratios.at(-1) ?? Number.NaN],
  };
}

function formatRow({ name, peer, ms, ratio, note, load }: PeerRow): string {
  const [least, middle, most] = ratio.map((value) => value.toFixed(2));
  const times = `ours ${ms.ours.toPrecision(3)} ms, ${peer} ${ms.peer.toPrecision(3)} ms`;
  return `${name}: ${times}: ${middle} × as fast (${least} to ${most}); ${note}; load ${load.toFixed(1)}`;
}
