// `npm run bench -- gpu --out FILE`: asks a graphics device everything that a software one cannot answer, in ten minutes at most:
// yardsticks, products, variants of kernels, and decoding, prompts and training of models in their true sizes with random
// weights. A part that fails, or takes too long, is recorded, and the others go on; FILE is written after each.

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { acquireDevice, type GpuContext } from '../src/gpu/device';
import { parseModelConfig } from '../src/model/config';
import type { ModelSpec } from '../src/model/spec';
import { measureGemms, measureGemvs, measureVariants, measureYardsticks } from '../test/bench/gpu_kernels';
import { measureDecoding, measurePrefill, measureTraining } from '../test/bench/gpu_models';
import { FULL_SIZES, type GpuBenchRun, SMALL_SIZES } from '../test/bench/gpu_rows';
import { smallSpec } from '../test/bench/small_spec';
import { GpuBench, type PlannedPart } from './bench_gpu_parts';
import { type GpuBenchReport, summaryOf } from './bench_gpu_report';
import { closeDevice, log, oneOf, UsageError, wholeNumber } from './command_line';
import { createNodeGpu, repositoryRoot } from './node_gpu';
import { writeWhole } from './train_files';

const USAGE = `options of the gpu bench:
  --out FILE     where the results go as JSON, after every part
  --size SIZE    full, or small: narrow models of two layers and small products, for any device (default full)
  --only LIST    of the parts, by their first words: yardsticks, gemm, gemv, variants, decode, prefill, train
  --minutes N    after which no part goes on (default 10)
  --json         the results on stdout, too`;

/** Models by the names under which they are reported. */
const MODELS = {
  '256M': 'test/fixtures/shapes/smolvlm-256m.json',
  '3B': 'configs/models/Qwen2.5-VL-3B-Instruct.json',
  '7B': 'configs/models/Qwen2.5-VL-7B-Instruct.json',
} as const;

/** Seconds of each part by model, the smallest's with the time to compile; the training of the largest is not asked for. */
const MODEL_PARTS = [
  ['decode', measureDecoding, { '256M': 25, '3B': 25, '7B': 30 }],
  ['prefill', measurePrefill, { '256M': 25, '3B': 30, '7B': 45 }],
  ['train', measureTraining, { '256M': 80, '3B': 140 }],
] as const satisfies readonly (readonly [
  string,
  (run: GpuBenchRun, name: string, spec: ModelSpec) => Promise<void>,
  Partial<Record<keyof typeof MODELS, number>>,
])[];

function readCall(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        out: { type: 'string' },
        size: { type: 'string', default: 'full' },
        only: { type: 'string' },
        minutes: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const size = oneOf('size', values.size, ['full', 'small'] as const);
    const minutes = wholeNumber('minutes', values.minutes, 1, 10);
    const out = values.out === undefined ? null : resolve(process.env.INIT_CWD ?? '.', values.out);
    return { out, size, minutes, only: values.only?.split(',') ?? null, json: values.json };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

async function specOf(file: string, small: boolean): Promise<ModelSpec> {
  const read = JSON.parse(await readFile(join(repositoryRoot(), file), 'utf8'));
  const spec = parseModelConfig(read.config ?? read);
  return small ? smallSpec(spec) : spec;
}

/** Every part in its order: what the later ones are held against comes first, then small models before large ones. */
async function partsOf(small: boolean): Promise<PlannedPart[]> {
  const parts: PlannedPart[] = [
    { name: 'gemm', seconds: 40, measure: measureGemms },
    { name: 'gemv', seconds: 20, measure: measureGemvs },
    { name: 'variants', seconds: 60, measure: measureVariants },
  ];
  for (const name of Object.keys(MODELS) as (keyof typeof MODELS)[]) {
    const spec = await specOf(MODELS[name], small);
    for (const [what, measure, limits] of MODEL_PARTS) {
      const seconds = (limits as Partial<Record<string, number>>)[name];
      if (seconds !== undefined)
        parts.push({ name: `${what} ${name}`, seconds, measure: (run) => measure(run, name, spec) });
    }
  }
  return parts;
}

/** The device of the process, or a new one where it was lost in a part. */
class Devices {
  #gpu: GpuContext | null = null;

  async current(): Promise<GpuContext> {
    if (this.#gpu === null || this.#gpu.isLost()) this.#gpu = await acquireDevice({ gpu: createNodeGpu() });
    return this.#gpu;
  }

  async close(): Promise<void> {
    if (this.#gpu) await closeDevice(this.#gpu, { destroy: () => undefined });
  }
}

function deviceOf({ traits }: GpuContext): GpuBenchReport['device'] {
  const { description, vendor, architecture, software, shaderF16, subgroups, timestampQuery } = traits;
  const { maxBufferBytes, maxBindingBytes } = traits;
  return {
    ...{ description, vendor, architecture, software, shaderF16, subgroups, timestampQuery },
    ...{ maxBufferBytes, maxBindingBytes },
  };
}

/** Runs the bench. @throws UsageError; the signal's reason when aborted, once what was measured is written */
export async function run(args: string[], signal: AbortSignal): Promise<void> {
  const call = readCall(args);
  const small = call.size === 'small';
  const devices = new Devices();
  const gpu = await devices.current();
  const began = performance.now();
  log(`${gpu.traits.description}${gpu.traits.software ? ' (software)' : ''}, ${call.size} size`);
  const bench = new GpuBench(devices, small ? SMALL_SIZES : FULL_SIZES, call.minutes, signal);
  const report = (): GpuBenchReport => ({
    ...{ date: new Date().toISOString(), node: process.version, size: call.size, device: deviceOf(gpu) },
    ...{ seconds: (performance.now() - began) / 1000, peak: bench.peak, parts: bench.parts },
    summary: summaryOf(bench.parts, bench.peak),
  });
  const yardsticks = async (on: GpuBenchRun): Promise<void> => {
    bench.peak = await measureYardsticks(on);
  };
  const planned: PlannedPart[] = [
    { name: 'yardsticks', seconds: 20, measure: yardsticks },
    ...(await partsOf(small)),
  ];
  const { only } = call;
  const chosen = planned.filter(({ name }) => only?.some((word) => name.startsWith(word)) ?? true);
  if (chosen.length === 0) throw new UsageError(`There is no part "${only}".\n${USAGE}`);
  try {
    for (const part of chosen) {
      await bench.measure(part);
      if (call.out) await writeWhole(call.out, `${JSON.stringify(report(), null, 1)}\n`);
    }
  } finally {
    if (call.out) await writeWhole(call.out, `${JSON.stringify(report(), null, 1)}\n`);
    await devices.close();
  }
  process.stdout.write(call.json ? `${JSON.stringify(report())}\n` : `${report().summary.join('\n')}\n`);
}
