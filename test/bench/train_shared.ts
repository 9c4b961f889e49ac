// Measures the update of one GRPO group packed behind a shared prompt against the same completions packed each behind
// a prompt of its own, by the same kernels without padding. Both compute gradients of the same loss, compared tensor
// by tensor; steps are timed in turns in one run.

import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { createPrng } from '../../src/lib/prng';
import { LoraAdapter, type LoraConfig, trainableModules } from '../../src/model/lora';
import type { HostArray, Program } from '../../src/tensor/program';
import { type CompletionGroup, packCompletions } from '../../src/train/packing';
import { buildTrainProgram, createOptimizerState, type OptimizerState } from '../../src/train/train_program';
import type { BenchModel } from './random_weights';

/** LoRA on all projections, as pocket's recipe has it. */
export const BENCH_LORA: LoraConfig = {
  r: 8,
  loraAlpha: 16,
  useRslora: false,
  baseModel: '',
  targetModules: [],
};

/** What an update costs. */
export interface UpdateCost {
  /** Packed rows and supervised ones. */
  readonly tokens: number;
  readonly rows: number;
  readonly ms: number;
  /** CPU time of a step, with a `cpuClock`: what a software adapter costs, whatever else the machine does. */
  readonly cpuMs?: number;
  readonly dispatches: number;
  /** GPU objects made during the timed steps, of both ways together. */
  readonly creations: number;
  readonly plannedBytes: number;
}

/** Both ways and how they compare. */
export interface SharedPrefixResult {
  readonly shape: string;
  readonly shared: UpdateCost;
  readonly naive: UpdateCost;
  /** Median over neighbouring steps of the naive time over the shared one. */
  readonly speedup: number;
  /** Largest ‖Δg‖/‖g‖ over the adapter's tensors, and whose it is. */
  readonly gradient: { readonly worst: number; readonly tensor: string; readonly tensors: number };
  /** Largest difference of a log-probability. */
  readonly logp: number;
}

/** Sizes of {@link measureSharedPrefix}. */
export interface SharedPrefixOptions {
  readonly prompt: number;
  readonly completion: number;
  readonly group: number;
  /** Timed steps of each way. */
  readonly steps: number;
  /** Milliseconds of CPU time that this process has used. */
  readonly cpuClock?: (() => number) | undefined;
  /** Called with the milliseconds per kernel of each way, where the device has timestamps. */
  readonly profile?: (way: string, kernels: ReadonlyMap<string, number>) => void;
}

/** Random ids that are words: neither image placeholders nor an end. */
export function randomWords(model: Pick<BenchModel, 'config'>, count: number, seed: number): number[] {
  const { text, imageTokenId, videoTokenId, visionStartTokenId, visionEndTokenId, eosTokenIds } =
    model.config;
  const special = new Set([
    ...[imageTokenId, videoTokenId, visionStartTokenId, visionEndTokenId],
    ...eosTokenIds,
  ]);
  const prng = createPrng(seed);
  const word = (): number => {
    const id = prng.nextInt(text.vocabSize);
    return special.has(id) ? word() : id;
  };
  return Array.from({ length: count }, word);
}

/** A trainable adapter on every projection; B is not zero, so that gradients reach A too. */
export function randomAdapter(gpu: GpuContext, model: BenchModel): LoraAdapter {
  const prng = createPrng(3);
  const weights = [...trainableModules(model.config)].map(([module, [out, width]]) => ({
    module,
    a: Float32Array.from({ length: BENCH_LORA.r * width }, () => prng.uniform(-1, 1) * width ** -0.5),
    b: Float32Array.from({ length: out * BENCH_LORA.r }, () => prng.uniform(-0.02, 0.02)),
  }));
  return LoraAdapter.create(gpu, BENCH_LORA, model.config, weights, true);
}

/** Writes the inputs that a program has; without pictures it has no rows for them. */
export function writeInputs(program: Program, inputs: Readonly<Record<string, HostArray>>): void {
  for (const [name, data] of Object.entries(inputs)) if (program.hasInput(name)) program.write(name, data);
}

/** Middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

interface Way {
  readonly program: Program;
  readonly state: OptimizerState;
  readonly tokens: number;
  readonly rows: number;
  /** Log-probabilities of the policy that begins, read before another program ran. */
  readonly logp: Float32Array;
}

async function openWay(
  gpu: GpuContext,
  model: BenchModel,
  adapter: LoraAdapter,
  groups: readonly CompletionGroup[],
): Promise<Way> {
  const packed = packCompletions(groups, model.config);
  const { tokens, rows } = packed;
  const state = createOptimizerState(gpu, adapter);
  const program = await buildTrainProgram(model.device, adapter, state, { tokens, rows }, undefined, {
    objective: 'grpo',
  });
  writeInputs(program, packed.inputs(tokens, rows));
  // The first run only gives the log-probabilities that the loss compares with.
  const zero = new Float32Array(rows);
  writeInputs(program, { weights: zero, old_logp: zero, ref_logp: zero, advantages: zero });
  program.write('grpo_settings', Float32Array.of(0.2, 0.2, 0));
  await program.run();
  return { program, state, tokens, rows, logp: (await program.read('logp')) as Float32Array };
}

/** GRPO's inputs on policy: one advantage per completion, the mean over tokens. */
function writeLoss(way: Way, { group, completion }: SharedPrefixOptions): void {
  const advantages = Float32Array.from({ length: way.rows }, (_, row) => {
    return (Math.floor(row / completion) - (group - 1) / 2) / group;
  });
  writeInputs(way.program, {
    ...{ advantages, old_logp: way.logp, ref_logp: way.logp },
    weights: new Float32Array(way.rows).fill(1 / way.rows),
  });
}

/** Wall and CPU milliseconds of one step. */
async function timeStep(
  gpu: GpuContext,
  { program }: Way,
  cpuClock: () => number = () => Number.NaN,
): Promise<readonly [number, number]> {
  const [began, used] = [performance.now(), cpuClock()];
  program.submit();
  await gpu.fence();
  return [performance.now() - began, cpuClock() - used];
}

async function readArena(gpu: GpuContext, { state }: Way): Promise<Float32Array> {
  const { buffer, bytes, offset } = state.gradient.region!;
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = gpu.createBuffer(bytes, usage, 'gradient copy');
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
  gpu.device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange().slice(0));
  gpu.destroyBuffer(staging);
  return values;
}

function compareGradients(adapter: LoraAdapter, shared: Float32Array, naive: Float32Array) {
  let worst = 0;
  let tensor = '';
  const tensors = adapter.tensors();
  for (const { name, tensor: part } of tensors) {
    const { offset, bytes } = part.region!;
    let difference = 0;
    let norm = 0;
    for (let i = offset / 4; i < (offset + bytes) / 4; i++) {
      difference += (shared[i]! - naive[i]!) ** 2;
      norm += naive[i]! ** 2;
    }
    // A gradient that is nowhere or not a number is as wrong as one can be.
    const error = norm > 0 ? Math.sqrt(difference / norm) : Number.POSITIVE_INFINITY;
    if (!(error <= worst)) {
      worst = error;
      tensor = name;
    }
  }
  return { worst, tensor, tensors: tensors.length };
}

/**
 * Builds both updates, checks that their gradients agree and times them in turns.
 * @throws Error when no gradient flows
 */
export async function measureSharedPrefix(
  gpu: GpuContext,
  model: BenchModel,
  options: SharedPrefixOptions,
): Promise<SharedPrefixResult> {
  const { prompt, completion, group, steps, cpuClock } = options;
  const question = { inputIds: randomWords(model, prompt, 1), images: [] };
  const answers = Array.from({ length: group }, (_, index) => randomWords(model, completion, 10 + index));
  const adapter = randomAdapter(gpu, model);
  const shared = await openWay(gpu, model, adapter, [{ prompt: question, completions: answers }]);
  const alone = answers.map((answer) => ({ prompt: question, completions: [answer] }));
  const naive = await openWay(gpu, model, adapter, alone);
  writeLoss(shared, options);
  writeLoss(naive, options);
  for (const way of [shared, naive]) await timeStep(gpu, way);
  const gradient = compareGradients(adapter, await readArena(gpu, shared), await readArena(gpu, naive));
  const before = creations(gpu.counters);
  const step = (way: Way): Promise<readonly [number, number]> => timeStep(gpu, way, cpuClock);
  const times: (readonly (readonly [number, number])[])[] = [];
  for (let round = 0; round < steps; round++) {
    // Whoever goes second may find warmer caches: they change places.
    if (round % 2 === 0) times.push([await step(shared), await step(naive)]);
    else {
      const slow = await step(naive);
      times.push([await step(shared), slow]);
    }
  }
  const made = creations(gpu.counters) - before;
  await profileWays(gpu, { shared, naive }, options);
  const cost = (way: Way, index: 0 | 1): UpdateCost => ({
    ...{ tokens: way.tokens, rows: way.rows, ms: median(times.map((pair) => pair[index]![0])) },
    ...(cpuClock && { cpuMs: median(times.map((pair) => pair[index]![1])) }),
    ...{ dispatches: way.program.dispatches, creations: made },
    plannedBytes: way.program.stats.plannedBytes,
  });
  const result = {
    shape: `prompt ${prompt}, ${group} completions of ${completion}`,
    ...{ shared: cost(shared, 0), naive: cost(naive, 1), gradient },
    speedup: median(times.map(([fast, slow]) => slow![0] / fast![0])),
    logp: shared.logp.reduce((most, value, row) => Math.max(most, Math.abs(value - naive.logp[row]!)), 0),
  };
  for (const way of [shared, naive]) {
    way.program.destroy();
    way.state.destroy();
  }
  adapter.destroy();
  return result;
}

async function profileWays(
  gpu: GpuContext,
  ways: Readonly<Record<string, Way>>,
  { profile }: SharedPrefixOptions,
): Promise<void> {
  if (!profile || !gpu.traits.timestampQuery) return;
  for (const [name, { program }] of Object.entries(ways)) profile(name, await kernelTimes(program));
}

/** Milliseconds of one run by kernel, slowest first. */
export async function kernelTimes(program: Program): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const { name, nanoseconds } of await program.profile())
    sums.set(name, (sums.get(name) ?? 0) + nanoseconds / 1e6);
  return new Map([...sums].sort(([, a], [, b]) => b - a));
}
