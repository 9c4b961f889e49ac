// Plans the device memory that a training plan needs, part by part, with nothing allocated: it traces what the run
// would trace, at its largest batch. The base model's weights are there already and do not count.

import type { GpuContext } from '../../gpu/device';
import { GpuScope } from '../../gpu/gpu_scope';
import { bucketSize } from '../../model/buckets';
import { KvCache } from '../../model/kv_cache';
import { LoraAdapter, type LoraConfig, type LoraWeights } from '../../model/lora';
import type { ModelOnDevice } from '../../model/prompt_program';
import { visionTransformer } from '../../model/vision_transformer';
import type { TrainConfig } from '../../settings/train_settings';
import { planMemory } from '../../tensor/planner';
import { allocateTensor } from '../../tensor/tensor_memory';
import { Trace } from '../../tensor/trace';
import { type TrainOptions, traceTrainStep } from '../../train/train_program';

/** Buffers of one purpose, in bytes each. */
export interface MemoryPart {
  readonly name: string;
  readonly buffers: readonly number[];
}

/** What is planned for. */
export interface MemoryRequest extends TrainConfig {
  readonly method: 'sft' | 'grpo';
}

/** A typical example of the plan's source. */
export interface ExampleSize {
  readonly promptTokens: number;
  readonly imageTokens: number;
}

const TOKEN_UNIT = 64;
const CAPACITY_STEP = 32;
/** Sequences decoded at once, as in the rollout. */
const MAX_BATCH = 128;
/** What the image encoder keeps at least. */
const IMAGE_STORE_BYTES = 1 << 25;
/** Programs of smaller batches stay beside the largest: the next two sizes down are ¾ and ½ of it or less. */
const SMALLER_PROGRAMS = 1.25;

/** A context whose buffers are only counted. */
function dryContext(gpu: GpuContext): { readonly context: GpuContext; take(): number[] } {
  let sizes: number[] = [];
  const createBuffer = (bytes: number): GPUBuffer => {
    const size = Math.max(16, Math.ceil(bytes / 4) * 4);
    sizes.push(size);
    return { size, destroy: () => undefined } as unknown as GPUBuffer;
  };
  const queue = { writeBuffer: () => undefined };
  const context = { ...gpu, createBuffer, device: { queue } } as unknown as GpuContext;
  const take = (): number[] => {
    const taken = sizes;
    sizes = [];
    return taken;
  };
  return { context, take };
}

/** Tokens of the largest micro-batch, and those of them that are supervised. */
function largestBatch(
  request: MemoryRequest,
  { promptTokens }: ExampleSize,
): { tokens: number; rows: number } {
  const { method, sft, grpo, tokensPerMicroBatch } = request;
  const longest = Math.max(1, sft.maxLength - promptTokens);
  const [group, supervised, count] =
    method === 'sft'
      ? [promptTokens + longest, longest, sft.batchSize]
      : [
          promptTokens + grpo.numGenerations * grpo.maxCompletionLength,
          grpo.numGenerations * grpo.maxCompletionLength,
          grpo.promptsPerStep,
        ];
  // A group is never cut, and a micro-batch may end half a group late.
  const groups = Math.min(count, Math.max(1, Math.round(tokensPerMicroBatch / group)));
  return {
    tokens: bucketSize(groups * group, TOKEN_UNIT),
    rows: bucketSize(groups * supervised, TOKEN_UNIT),
  };
}

function objectives({
  method,
  sft,
  grpo,
}: MemoryRequest): Pick<TrainOptions, 'objective' | 'onPolicy' | 'withoutReference'>[] {
  if (method === 'sft') return [{ objective: 'sft' }, ...(sft.evalSteps > 0 ? [score] : [])];
  const [onPolicy, withoutReference] = [grpo.numIterations === 1, grpo.beta === 0];
  const update = { objective: 'grpo', onPolicy, withoutReference } as const;
  return [update, ...(onPolicy && withoutReference ? [] : [score])];
}

const score = { objective: 'score' } as const;

/** Sequences sampled at once and their longest answer; none when nothing is sampled. */
function sampling(request: MemoryRequest): { prompts: number; count: number; length: number } | null {
  const { method, sft, grpo } = request;
  if (method === 'sft') {
    const prompts = Math.min(MAX_BATCH, sft.evalSteps > 0 ? sft.evalSamples : 0);
    return prompts === 0 ? null : { prompts, count: 1, length: sft.maxCompletionLength };
  }
  const perWave = Math.max(1, Math.floor(MAX_BATCH / grpo.numGenerations));
  return {
    prompts: Math.min(perWave, grpo.promptsPerStep),
    count: grpo.numGenerations,
    length: grpo.maxCompletionLength,
  };
}

/**
 * Parts of a run's memory, the largest first, and the adapter's parameters.
 * @param weights of the adapter to train; only their shapes matter
 * @throws ArgumentError, ShapeError where the plan cannot be traced at all
 */
export function planTrainingMemory(
  model: ModelOnDevice,
  request: MemoryRequest,
  config: LoraConfig,
  weights: readonly LoraWeights[],
  example: ExampleSize,
): { readonly parts: readonly MemoryPart[]; readonly trainableParameters: number } {
  const { context, take } = dryContext(model.gpu);
  const { text, vision } = model.config;
  const adapter = LoraAdapter.create(context, config, model.config, weights, true, request.lora.loraDropout);
  const arena = allocateTensor(new GpuScope(context), 'gradient', adapter.arena.shape, 'f32');
  const [arenaBytes = 0] = take();
  const batch = largestBatch(request, example);
  const images = Math.max(1, Math.ceil(batch.tokens / (example.promptTokens + 1)));
  const imageRows = Math.min(batch.tokens, images * example.imageTokens);
  const features =
    imageRows > 0
      ? allocateTensor(new GpuScope(context), 'features', [imageRows, vision.outHiddenSize], 'f32')
      : undefined;
  const featureBytes = take();
  const reference = request.method === 'grpo' && request.grpo.beta > 0 ? 1 : 0;
  const parts: MemoryPart[] = [
    // Adapter, gradient, the micro-batch's gradient and two moments.
    { name: 'adapter and optimizer', buffers: Array<number>(5 + reference).fill(arenaBytes) },
  ];
  const dry = { ...model, gpu: context };
  for (const objective of objectives(request)) {
    const options = { ...objective, temperature: 1, checkpointLayers: request.gradientCheckpointing };
    const buffers = plannedBuffers(model.gpu, (trace) =>
      traceTrainStep(trace, dry, adapter, { gradient: arena }, batch, features, options),
    );
    const name = objective.objective === 'score' ? 'scoring' : 'update';
    parts.push({ name, buffers });
    if (name === 'update') {
      const smaller = Math.ceil(SMALLER_PROGRAMS * sum(buffers));
      parts.push({ name: 'updates of smaller batches', buffers: [smaller] });
    }
  }
  const sampled = sampling(request);
  if (sampled !== null) {
    const { prompts, count, length } = sampled;
    const capacity = Math.ceil(Math.max(example.promptTokens, length + 2) / CAPACITY_STEP) * CAPACITY_STEP;
    new KvCache(context, text, prompts * (count + 1), Math.min(text.maxPositionEmbeddings, capacity));
    // Two copies of the logits besides the cache: as they come, and as they are sampled from.
    parts.push({ name: 'sampling', buffers: [...take(), 8 * prompts * count * text.vocabSize] });
  }
  if (features !== undefined) {
    const tower = plannedBuffers(model.gpu, (trace) => {
      const patches = example.imageTokens * vision.spatialMergeSize ** 2;
      trace.output('x', visionTransformer(trace, vision, model.weights, bucketSize(patches, 12)));
    });
    parts.push({ name: 'pictures', buffers: [IMAGE_STORE_BYTES, ...featureBytes, ...tower] });
  }
  const trainableParameters = weights.reduce((total, { a, b }) => total + a.length + b.length, 0);
  return { parts: parts.sort((a, b) => sum(b.buffers) - sum(a.buffers)), trainableParameters };
}

function plannedBuffers(gpu: GpuContext, trace: (trace: Trace) => unknown): number[] {
  const traced = new Trace(gpu.traits);
  trace(traced);
  const { arenaBytes, inputBytes } = planMemory(traced);
  return [...arenaBytes, inputBytes].filter((bytes) => bytes > 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
