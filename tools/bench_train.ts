// `npm run bench -- train`: measures steps of both trainers on pocket, the shared-prefix update against the naive
// one, and a small GPT against jax-js. Every figure and ratio of a row comes from one run.

import { parseArgs } from 'node:util';
import { acquireDevice, type GpuContext } from '../src/gpu/device';
import { VisionLanguageModel } from '../src/model/vision_language_model';
import type { GptComparison } from '../test/bench/train_page';
import { measureSharedPrefix, median, type SharedPrefixResult } from '../test/bench/train_shared';
import { measureTrainer, type StepRow, TRAINERS } from '../test/bench/train_steps';
import { compareInBrowser } from './bench_train_browser';
import { log, UsageError, wholeNumber } from './command_line';
import { findModel } from './model_source';
import { createNodeGpu } from './node_gpu';
import { JAX_JS, peerModules } from './peer_package';

const USAGE = `options of the train bench:
  --only LIST     of steps, shared, gpt (default: all three)
  --model ID|DIR  the model of steps and shared (default: the first built-in)
  --steps N       measured steps of each trainer and of each update (default 3)
  --gpt-steps N   measured steps of the small GPT, ours and theirs each (default 20)
  --peers DIR     where @jax-js/jax is installed (default: a cache folder, into which npm installs it)
  --profile       also milliseconds per kernel of both updates
  --json          one JSON object on stdout`;

const PARTS = ['steps', 'shared', 'gpt'] as const;
const GPT_WARM_UP = 5;

/** A row of the report. Agreed keys first; what only some rows have is optional. */
interface TrainRow extends Omit<StepRow, 'tokensPerSecond'> {
  readonly tokensPerSecond?: number;
  /** Another row's time over this one's: above 1, this one is faster. */
  readonly ratioTo: Readonly<Record<string, number>>;
  /** Largest ‖Δg‖/‖g‖ against the naive update over the adapter's tensors. */
  readonly gradientError?: number;
  /** CPU time, of updates on software adapters. */
  readonly cpuMs?: number;
  readonly firstMs?: number;
  readonly losses?: readonly number[];
  /** `node` or `chromium`, with the adapter. */
  readonly where: string;
}

/** Runs the bench. @throws UsageError */
export async function run(args: string[]): Promise<void> {
  const call = readCall(args);
  const rows: TrainRow[] = [];
  const add = (row: TrainRow): void => {
    rows.push(row);
    log(formatRow(row));
  };
  if (call.parts.some((part) => part !== 'gpt')) {
    const gpu = await acquireDevice({ gpu: createNodeGpu() });
    const { files } = await findModel(call.model);
    const model = await VisionLanguageModel.load(gpu, files);
    const where = `node, ${gpu.traits.description}`;
    if (call.parts.includes('steps')) await runSteps(gpu, model, call.steps, (row) => add({ ...row, where }));
    if (call.parts.includes('shared')) await runShared(gpu, model, call, (row) => add({ ...row, where }));
    model.destroy();
    await gpu.fence();
    gpu.destroy();
  }
  if (call.parts.includes('gpt')) await runGpt(call, add);
  if (call.json) process.stdout.write(`${JSON.stringify({ device: rows[0]?.where ?? '', rows })}\n`);
}

function readCall(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string', default: PARTS.join(',') },
        model: { type: 'string' },
        steps: { type: 'string' },
        'gpt-steps': { type: 'string' },
        peers: { type: 'string' },
        profile: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const parts = values.only.split(',');
    const unknown = parts.find((part) => !PARTS.some((known) => known === part));
    if (unknown !== undefined) throw new Error(`There is no part "${unknown}".`);
    const { model, peers, profile, json } = values;
    const steps = wholeNumber('steps', values.steps, 1, 3);
    const gptSteps = wholeNumber('gpt-steps', values['gpt-steps'], 1, 20);
    return { parts, model, peers, profile, json, steps, gptSteps };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

type Call = ReturnType<typeof readCall>;
type Add = (row: Omit<TrainRow, 'where'>) => void;

async function runSteps(gpu: GpuContext, model: VisionLanguageModel, steps: number, add: Add): Promise<void> {
  const sizes = { prompt: 32, completion: 64, batch: 8, prompts: 1, group: 8 };
  for (const name of Object.keys(TRAINERS) as (keyof typeof TRAINERS)[])
    add({ ...(await measureTrainer(gpu, model, name, { ...sizes, steps })), ratioTo: {} });
}

async function runShared(gpu: GpuContext, model: VisionLanguageModel, call: Call, add: Add): Promise<void> {
  const profile = (way: string, kernels: ReadonlyMap<string, number>): void => {
    const slowest = [...kernels]
      .slice(0, 10)
      .map(([name, ms]) => `  ${ms.toFixed(0).padStart(6)} ms ${name}`);
    log([`kernels of the ${way} update:`, ...slowest].join('\n'));
  };
  // A software adapter computes in this process.
  const cpuClock = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const clock = gpu.traits.software ? { cpuClock } : {};
  const sizes = { prompt: 300, completion: 150, group: 8, steps: call.steps, ...clock };
  const result = await measureSharedPrefix(gpu, model, { ...sizes, ...(call.profile && { profile }) });
  const { gradient, speedup, logp, shape } = result;
  for (const way of ['naive', 'shared'] as const) {
    const { ms, cpuMs, tokens, dispatches, creations, plannedBytes } = result[way];
    add({
      ...{
        name: `update ${way}`,
        shape: `${shape}: ${tokens} rows`,
        ms,
        dispatches,
        creations,
        plannedBytes,
      },
      tokensPerSecond: (1000 * result.shared.rows) / ms,
      ratioTo: way === 'shared' ? { 'update naive': speedup } : {},
      ...(way === 'shared' && { gradientError: gradient.worst }),
      ...(cpuMs !== undefined && { cpuMs }),
    });
  }
  log(
    `  largest ‖Δg‖/‖g‖ of ${gradient.tensors} tensors ${gradient.worst.toExponential(2)} (${gradient.tensor}), ` +
      `largest difference of a log-probability ${logp.toExponential(1)}; ${memoryShare(result)} of the memory`,
  );
}

function memoryShare({ shared, naive }: SharedPrefixResult): string {
  return `${((100 * shared.plannedBytes) / naive.plannedBytes).toFixed(0)} %`;
}

async function runGpt(call: Call, add: (row: TrainRow) => void): Promise<void> {
  const library = peerModules(JAX_JS, call.peers);
  const found = await compareInBrowser(library, call.gptSteps, GPT_WARM_UP);
  for (const row of gptRows(found)) add(row);
  const { losses } = found.ours;
  const apart = losses.reduce(
    (most, loss, i) => Math.max(most, Math.abs(loss - (found.jax.losses[i] ?? 0))),
    0,
  );
  log(
    `  losses of both: ${losses[0]?.toFixed(4)} falling to ${losses.at(-1)?.toFixed(4)} in ${losses.length} steps, ` +
      `at most ${apart.toExponential(1)} apart`,
  );
}

function gptRows(found: GptComparison): TrainRow[] {
  const shape = '4 layers, width 128, 4 heads, vocabulary 512, 256 tokens, AdamW on all weights';
  const where = `chromium, ${found.adapter}`;
  const [ours, theirs] = [found.ours, found.jax].map(({ ms }) => ms.slice(GPT_WARM_UP)) as [
    number[],
    number[],
  ];
  const pairs = ours.map((ms, index) => (theirs[index] ?? Number.NaN) / ms);
  const row = (name: string, ms: number, losses: readonly number[]) => ({
    ...{ name, shape, ms, where, losses, tokensPerSecond: 256_000 / ms },
  });
  const unknown = { dispatches: Number.NaN, creations: Number.NaN, plannedBytes: Number.NaN };
  const { dispatches, creations, plannedBytes, firstMs } = found;
  return [
    {
      ...row(`gpt ${JAX_JS.name}`, median(theirs), found.jax.losses),
      ...unknown,
      ratioTo: {},
      firstMs: firstMs.jax,
    },
    {
      ...row('gpt ours', median(ours), found.ours.losses),
      ...{ dispatches, creations, plannedBytes, firstMs: firstMs.ours },
      ratioTo: { [`gpt ${JAX_JS.name}`]: median(pairs) },
    },
  ];
}

function formatRow(row: TrainRow): string {
  const ratios = Object.entries(row.ratioTo).map(
    ([name, ratio]) => `, ${ratio.toFixed(2)} × as fast as ${name}`,
  );
  const rate = row.tokensPerSecond === undefined ? '' : `, ${row.tokensPerSecond.toFixed(0)} tokens/s`;
  const work = Number.isNaN(row.dispatches)
    ? ''
    : `, ${row.dispatches} dispatches, ${row.creations} creations, ${(row.plannedBytes / 2 ** 20).toFixed(1)} MiB planned`;
  const cpu = row.cpuMs === undefined ? '' : ` (${row.cpuMs.toFixed(0)} ms of CPU)`;
  const first = row.firstMs === undefined ? '' : `, first step after ${(row.firstMs / 1000).toFixed(1)} s`;
  return `${row.name.padEnd(18)} ${row.ms.toFixed(0)} ms${cpu}${ratios.join('')}${rate}${work}${first} (${row.shape}; ${row.where})`;
}
