// Measures models of given shapes on a graphics device, with random weights that the device draws: a decode step, a prompt
// pass, and steps of both trainers. Every result is checked for numbers before its row counts.

import { unsharedCache } from '../../src/kernels/cache_shape';
import { KvCache } from '../../src/model/kv_cache';
import { packPrompts } from '../../src/model/prompt_packing';
import { tracePrompt, writePrompt } from '../../src/model/prompt_program';
import type { ModelSpec } from '../../src/model/spec';
import type { WeightPrecision } from '../../src/model/weight_layout';
import { planMemory } from '../../src/tensor/planner';
import { Program } from '../../src/tensor/program';
import { Trace } from '../../src/tensor/trace';
import { programStepper, throughput, timeStep } from './decode';
import { type GpuBenchRun, rowOf } from './gpu_rows';
import { type RandomModel, randomModel } from './random_weights';
import { decodeTraffic } from './traffic';
import { median, randomWords } from './train_shared';
import { measureTrainer, TRAINERS } from './train_steps';

const PRECISION: WeightPrecision = 'int4';
const WARM_UP = 4;
const PASSES = 3;

async function withModel<T>(
  { gpu }: GpuBenchRun,
  spec: ModelSpec,
  use: (model: RandomModel) => Promise<T>,
): Promise<T> {
  const model = await randomModel(gpu, spec, PRECISION);
  try {
    return await use(model);
  } finally {
    if (!gpu.isLost()) {
      await gpu.fence().catch(() => undefined);
      model.destroy();
    }
  }
}

function checkNumbers(name: string, values: Float32Array): void {
  const peak = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!values.every(Number.isFinite) || peak === 0) throw new Error(`${name} gave no logits.`);
}

/** A step of one sequence, without capture and with that of all layers. */
export async function measureDecoding(run: GpuBenchRun, name: string, spec: ModelSpec): Promise<void> {
  const { gpu, sizes, signal } = run;
  const { context, imageSide, steps } = sizes.decode;
  await withModel(run, spec, async (model) => {
    for (const capture of [false, true]) {
      const options = { precision: PRECISION, batch: 1, context, rank: null } as const;
      const imageTokens = capture ? imageSide ** 2 : null;
      const traffic = await decodeTraffic(gpu.traits, spec, { ...options, imageTokens });
      const stepper = await programStepper(gpu, model, { context, imageSide, steps }, capture);
      try {
        for (let step = 0; step < WARM_UP; step++) await timeStep(gpu, stepper);
        const times: number[] = [];
        for (let step = 0; step < steps; step++) {
          signal.throwIfAborted();
          times.push(await timeStep(gpu, stepper));
        }
        checkNumbers(name, (await stepper.program.read('logits')) as Float32Array);
        const rate = await throughput(gpu, stepper, { steps, batch: 1 });
        const bytes = traffic.readBytes + traffic.writtenBytes;
        const label = `decode ${name}, ${context} keys${capture ? ', captured' : ''}`;
        const note = `${traffic.dispatches} dispatches; a step alone ${median(times).toPrecision(3)} ms`;
        // Steps follow one another as when answers are written: the wait for each is no part of the rate.
        const more = { tokensPerSecond: rate, note };
        run.add(rowOf(label, 1000 / rate, { flops: 0, bytes }, run.peak, more));
      } finally {
        if (!gpu.isLost()) stepper.destroy();
      }
    }
  });
}

/** A prompt of words through all layers, its keys into a cache. */
async function measurePrompt(
  run: GpuBenchRun,
  name: string,
  model: RandomModel,
  tokens: number,
): Promise<void> {
  const { gpu, signal } = run;
  const { config, weights, device } = model;
  const cache = new KvCache(gpu, config.text, unsharedCache(1, tokens + 1, weights.cacheFormat));
  const trace = new Trace(gpu.traits);
  trace.output('logits', tracePrompt(trace, device, { tokens, batch: 1 }, { cache }));
  const work = { flops: 0, bytes: 0 };
  for (const { call } of planMemory(trace).nodes) work.flops += call.flops;
  let program: Program | undefined;
  try {
    program = await Program.build(gpu, trace, `prompt ${tokens}`);
    const prompt = { inputIds: randomWords(model, tokens, 1), images: [] };
    writePrompt(
      program,
      packPrompts([prompt], config, tokens + 1, () => tokens, 1),
    );
    await program.run(signal);
    const times: number[] = [];
    for (let pass = 0; pass < PASSES; pass++) {
      const began = performance.now();
      await program.run(signal);
      await gpu.fence();
      times.push(performance.now() - began);
    }
    checkNumbers(name, (await program.read('logits')) as Float32Array);
    const ms = median(times);
    const more = { tokensPerSecond: (1000 * tokens) / ms, note: `${program.dispatches} dispatches` };
    run.add(rowOf(`prefill ${name}, ${tokens} tokens`, ms, work, run.peak, more));
  } finally {
    if (!gpu.isLost()) {
      program?.destroy();
      cache.destroy();
    }
  }
}

/** Prompts of each size. */
export async function measurePrefill(run: GpuBenchRun, name: string, spec: ModelSpec): Promise<void> {
  await withModel(run, spec, async (model) => {
    for (const tokens of run.sizes.prompts) await measurePrompt(run, name, model, tokens);
  });
}

/** Parameters of the decoder's layers. */
function layerParameters({ text }: ModelSpec): number {
  const { hiddenSize, intermediateSize, headDim, numAttentionHeads, numKeyValueHeads } = text;
  const attention = 2 * (numAttentionHeads + numKeyValueHeads) * headDim * hiddenSize;
  return text.numHiddenLayers * (attention + 3 * hiddenSize * intermediateSize);
}

/**
 * Steps of SFT, plain and with checkpointed layers, and of GRPO. Of SFT's operations those are counted that frozen weights
 * need, once forward and once for the gradient of the input: 4 for each parameter and token, without a second forward pass.
 */
export async function measureTraining(run: GpuBenchRun, name: string, spec: ModelSpec): Promise<void> {
  const { gpu, sizes, signal, peak } = run;
  await withModel(run, spec, async (model) => {
    for (const trainer of Object.keys(TRAINERS) as (keyof typeof TRAINERS)[]) {
      const row = await measureTrainer(gpu, model, trainer, sizes.train, signal);
      const tokens = (row.ms * row.tokensPerSecond) / 1000;
      const flops = TRAINERS[trainer].method === 'sft' ? 4 * layerParameters(spec) * tokens : 0;
      const note = `${row.shape}; ${row.dispatches} dispatches, ${Math.round(row.plannedBytes / 2 ** 20)} MiB of activations`;
      const more = { tokensPerSecond: row.tokensPerSecond, note };
      run.add(rowOf(`${trainer} ${name}`, row.ms, { flops, bytes: 0 }, peak, more));
    }
  });
}
