// Measures whole steps of the two trainers on the device at hand: time, tokens, work, memory, and what a step
// creates. Examples and completions have fixed lengths (nothing ends a completion), so that every step has the shape
// of the one before.

import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { createPrng } from '../../src/lib/prng';
import { ImageEncoder } from '../../src/model/image_encoder';
import { initialLoraWeights } from '../../src/model/lora';
import type { PromptInput } from '../../src/model/prompt_packing';
import { patchWidth } from '../../src/model/vision_transformer';
import { DEFAULT_TRAIN_CONFIG, type TrainConfig } from '../../src/settings/train_settings';
import { GrpoTrainer } from '../../src/train/grpo_trainer';
import { LoraPolicy } from '../../src/train/policy';
import { Rollout } from '../../src/train/rollout';
import { SftTrainer } from '../../src/train/sft_trainer';
import type { LabelledExample, Trainer } from '../../src/train/trainer';
import type { BenchModel } from './random_weights';
import { BENCH_LORA, median, randomWords } from './train_shared';

/** One measured way of training. */
export interface StepRow {
  readonly name: string;
  readonly shape: string;
  /** Median milliseconds of a step. */
  readonly ms: number;
  /** Packed tokens of the update a second; with GRPO sampled tokens a second, of the whole step. */
  readonly tokensPerSecond: number;
  /** Of one step, decoding included. */
  readonly dispatches: number;
  /** GPU objects made during the measured steps. */
  readonly creations: number;
  /** Activations that the update's programs plan. */
  readonly plannedBytes: number;
}

/** Sizes of {@link measureTrainer}. */
export interface StepOptions {
  /** Tokens of a prompt, its picture's among them, and of a completion. */
  readonly prompt: number;
  readonly completion: number;
  readonly batch: number;
  readonly prompts: number;
  readonly group: number;
  readonly steps: number;
}

/** Tokens along an edge of a picture, where its size is free. */
const IMAGE_SIDE = 3;
/** The second step binds the arenas that the first one made larger. */
const WARM_UP = 2;

/** The ways of training that are measured. */
export const TRAINERS = {
  sft: { method: 'sft', checkpointing: false },
  'sft checkpointed': { method: 'sft', checkpointing: true },
  grpo: { method: 'grpo', checkpointing: false },
} as const;

/** Patches along an edge of an example's picture. */
function pictureSide({ vision }: BenchModel['config']): number {
  const { positions, spatialMergeSize } = vision;
  return positions?.reading === 'exact' ? positions.side : IMAGE_SIDE * spatialMergeSize;
}

/** Image tokens of an example. */
function pictureTokens(config: BenchModel['config']): number {
  return (pictureSide(config) / config.vision.spatialMergeSize) ** 2;
}

function examplePrompt(model: BenchModel, count: number, seed: number): PromptInput {
  const { vision, imageTokenId, visionStartTokenId, visionEndTokenId } = model.config;
  const image = Array<number>(pictureTokens(model.config)).fill(imageTokenId);
  const start = [visionStartTokenId ?? 0, ...image, visionEndTokenId ?? 0];
  const inputIds = [...start, ...randomWords(model, count - start.length, seed)];
  const side = pictureSide(model.config);
  const row = patchWidth(vision);
  const prng = createPrng(seed);
  const pixelValues = Float32Array.from({ length: side * side * row }, () => prng.uniform(-1, 1));
  return { inputIds, images: [{ pixelValues, gridThw: [1, side, side] }] };
}

function examples(model: BenchModel, count: number, options: StepOptions) {
  const all = Array.from(
    { length: count },
    (_, key): LabelledExample => ({
      ...{ key, prompt: examplePrompt(model, options.prompt, key), imageTokens: pictureTokens(model.config) },
      ...{ question: '', expected: '', kind: 'visual' },
      completion: randomWords(model, options.completion, 100 + key),
    }),
  );
  return { count, read: async (position: number) => all[position % count] as LabelledExample };
}

interface Opened {
  readonly trainer: Trainer;
  readonly policy: LoraPolicy;
  destroy(): void;
}

async function openTrainer(
  model: BenchModel,
  method: 'sft' | 'grpo',
  options: StepOptions,
  gradientCheckpointing: boolean,
): Promise<Opened> {
  const defaults = DEFAULT_TRAIN_CONFIG;
  const config: TrainConfig = {
    ...{ ...defaults, gradientCheckpointing, maxSteps: 1000 },
    sft: { ...defaults.sft, batchSize: options.batch },
    grpo: {
      ...defaults.grpo,
      promptsPerStep: options.prompts,
      numGenerations: options.group,
      maxCompletionLength: options.completion,
    },
  };
  const memory = new GpuScope(model.device.gpu);
  const images = memory.own(new ImageEncoder(model.device));
  const weights = initialLoraWeights(
    model.config,
    { ...BENCH_LORA, targetModules: config.lora.targetModules },
    createPrng(1),
  );
  const { maxGradNorm } = config.optim;
  const policyOptions = { gradientCheckpointing, maxGradNorm, temperature: 1 };
  const policy = memory.own(
    await LoraPolicy.create(model.device, images, BENCH_LORA, weights, policyOptions),
  );
  const rollout = memory.own(
    new Rollout({
      model: { ...model.device, weights: policy.applied.applyTo(model.weights) },
      images,
      // Nothing ends a completion.
      eosTokenIds: [],
      createDecoder: () => ({ push: (id) => `${id} `, end: () => '' }),
    }),
  );
  const data = examples(model, method === 'sft' ? options.batch : options.prompts, options);
  // Ids are as good as words to tell completions apart.
  const parityOf = ({ text }: { text: string }) => ({ score: text.length % 2, why: '', span: null });
  const even = { name: 'even', weight: 1, of: parityOf };
  const scoring = { rewards: [even], accuracy: even.of, settings: config.grpo };
  const parts = { memory, policy, rollout, examples: data, heldOut: null, figures: () => ({}) };
  const trainer =
    method === 'sft'
      ? new SftTrainer(parts, config, config.sft, null)
      : new GrpoTrainer(
          { ...parts, reference: null, visualGain: null, scoring, observe: () => ({}) },
          ...([config, config.grpo, null] as const),
        );
  return { trainer, policy, destroy: () => trainer.destroy() };
}

async function measureOne(
  gpu: GpuContext,
  name: string,
  { trainer, policy }: Opened,
  options: StepOptions,
  signal: AbortSignal | undefined,
): Promise<StepRow> {
  const { batch, prompts, group, prompt, completion, steps } = options;
  const sft = name.startsWith('sft');
  for (let step = 0; step < WARM_UP; step++) await checkedStep(trainer, signal);
  await gpu.fence();
  const [made, dispatched] = [creations(gpu.counters), gpu.counters.dispatches];
  const times: number[] = [];
  for (let step = 0; step < steps; step++) {
    const began = performance.now();
    await checkedStep(trainer, signal);
    await gpu.fence();
    times.push(performance.now() - began);
  }
  const ms = median(times);
  const tokens = sft ? batch * (prompt + completion - 1) : prompts * group * completion;
  const sequences = sft ? `batch ${batch}` : `${prompts} prompts × ${group}`;
  const row = {
    ...{ name, ms, tokensPerSecond: (1000 * tokens) / ms },
    shape: `${sequences}, prompt ${prompt}, completion ${completion}`,
    dispatches: (gpu.counters.dispatches - dispatched) / steps,
    creations: creations(gpu.counters) - made,
    plannedBytes: policy.plannedBytes,
  };
  await gpu.fence();
  return row;
}

/** A step whose loss is a number: what is measured is no speed of going wrong. */
async function checkedStep(trainer: Trainer, signal: AbortSignal | undefined): Promise<void> {
  const { metrics } = await trainer.runStep({ signal });
  if (!Number.isFinite(metrics.loss)) throw new Error(`The loss of a step is ${metrics.loss}.`);
}

/**
 * Steps of one trainer.
 * @throws the signal's reason when aborted; Error when a loss is not finite
 */
export async function measureTrainer(
  gpu: GpuContext,
  model: BenchModel,
  name: keyof typeof TRAINERS,
  options: StepOptions,
  signal?: AbortSignal,
): Promise<StepRow> {
  const { method, checkpointing } = TRAINERS[name];
  const opened = await openTrainer(model, method, options, checkpointing);
  try {
    return await measureOne(gpu, name, opened, options, signal);
  } finally {
    if (!gpu.isLost()) opened.destroy();
  }
}
