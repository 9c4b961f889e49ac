// Plans the device memory of an answer or of a training from a model's settings alone: it places the weights and
// rehearses the run on a device that only counts, and sorts the buffers that were alive at the peak by what they are for.

import { type CountedBuffer, countingGpu } from '../src/gpu/counting_gpu';
import type { DeviceTraits, GpuContext } from '../src/gpu/device';
import { ArgumentError } from '../src/lib/errors';
import type { TrainerBase, TrainingRequest } from '../src/lookback/training';
import type { ModelSpec } from '../src/model/spec';
import type { WeightPrecision } from '../src/model/weight_layout';
import { ModelWeights } from '../src/model/weights';
import { answerMemory, longPrompt } from '../src/services/library/model_memory';
import { type MemoryPlan, planTrainingMemory } from '../src/services/training/training_memory';
import { DEFAULT_TRAIN_CONFIG, type TrainingMethod } from '../src/settings/train_settings';

/** What is to be planned. */
export interface RunSize {
  readonly method: 'ask' | TrainingMethod;
  readonly precision: WeightPrecision;
  /** Tokens of the prompt, those of the picture among them. */
  readonly prompt: number;
  readonly imageTokens: number;
  /** Tokens of the longest answer. */
  readonly completion: number;
  /** Answers to each prompt (GRPO). */
  readonly group: number;
  /** Prompts of a step (GRPO), or examples of a step (SFT). */
  readonly batch: number;
  /** Of the adapter. */
  readonly rank: number;
}

/** Buffers of one kind. */
export interface PlannedPart {
  readonly part: string;
  /** The program or the object whose buffers they are. */
  readonly of: string;
  readonly bytes: number;
}

/** Buffers sorted by what they are for. */
export interface SortedBuffers {
  /** In the order of {@link PARTS}, within a part the largest first. */
  readonly parts: readonly PlannedPart[];
  readonly bytes: number;
}

/** The memory of a run at its peak. */
export interface RunPlan extends SortedBuffers {
  /** Programs that share the activations, with what each needs of them, the largest first. */
  readonly programs: readonly CountedBuffer[];
}

/** What the label of a buffer says that it is for; the first that matches. */
const PARTS: readonly (readonly [part: string, label: RegExp])[] = [
  ['weights', /^weights /],
  ['adapters', /^adapter(?: strength| dropout)?$/],
  ['gradients and moments', /^(?:adapter (?:gradient|m|v)|micro-batch gradient)$/],
  ['keys and values', /^kv\./],
  ['pictures', /^image /],
  ['activations', /^shared arena /],
  ['inputs and parameters', / (?:inputs|params)$/],
  ['state and results', /^/],
];

/** A device such as browsers offer on a desktop's GPU: nothing is split that need not be. */
export const DESKTOP_TRAITS: DeviceTraits = {
  ...{ vendor: '', architecture: '', description: 'a desktop GPU', software: false },
  ...{ shaderF16: true, subgroups: true, timestampQuery: false },
  ...{ maxBindingBytes: 2 ** 31 - 4, maxBufferBytes: 2 ** 32 - 4, maxWorkgroupBytes: 32768 },
  ...{ maxInvocations: 256, maxStorageBuffers: 8, disabledVariants: new Set() },
};

/**
 * Plans a run on a device of the given traits, with nothing allocated.
 * @throws ArgumentError for sizes that contradict each other or the model; GpuError `gpu/limit` where a buffer or a
 *   kernel passes the device's limits
 */
export async function planRun(traits: DeviceTraits, spec: ModelSpec, size: RunSize): Promise<RunPlan> {
  if (size.imageTokens >= size.prompt)
    throw new ArgumentError(
      `A prompt of ${size.prompt} tokens has no room for ${size.imageTokens} of a picture and one of text.`,
    );
  const { gpu } = countingGpu({ traits } as GpuContext);
  const { peak, programs } =
    size.method === 'ask' ? await answerPlan(gpu, spec, size) : await trainingPlan(gpu, spec, size);
  return { ...sorted(peak), programs: [...programs].sort((a, b) => b.bytes - a.bytes) };
}

/** Sorts buffers by part and owner. */
export function sorted(buffers: readonly CountedBuffer[]): SortedBuffers {
  const found = new Map<string, PlannedPart>();
  for (const { label, bytes } of buffers) {
    const part = partOf(label);
    const of = ownerOf(label);
    const key = `${part}/${of}`;
    found.set(key, { part, of, bytes: (found.get(key)?.bytes ?? 0) + bytes });
  }
  const parts = PARTS.flatMap(([name]) =>
    [...found.values()].filter(({ part }) => part === name).sort((a, b) => b.bytes - a.bytes),
  );
  return { parts, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function partOf(label: string): string {
  return PARTS.find(([, pattern]) => pattern.test(label))?.[0] ?? '';
}

/** The label without the number of an arena or of a layer. */
function ownerOf(label: string): string {
  return label.replace(/ (?:inputs|params)$/, '').replace(/^(weights|kv|shared arena)\b.*/, '$1');
}

type Buffers = Pick<MemoryPlan, 'peak' | 'programs'>;

async function answerPlan(gpu: GpuContext, spec: ModelSpec, size: RunSize): Promise<Buffers> {
  const { precision, imageTokens: maxImageTokens, prompt, completion } = size;
  const context = prompt + completion;
  return answerMemory(gpu, spec, { precision, maxImageTokens, context });
}

async function trainingPlan(gpu: GpuContext, spec: ModelSpec, size: RunSize): Promise<Buffers> {
  const counting = countingGpu(gpu);
  const weights = await ModelWeights.reserve(counting.gpu, spec, size.precision);
  const { prompt, imageTokens, completion } = size;
  const picture = { maxImageTokens: imageTokens, context: prompt + completion };
  const input = longPrompt(spec, picture, prompt - imageTokens);
  const base: TrainerBase = {
    model: { device: { gpu, config: spec, weights } },
    eosTokenIds: [],
    maxTokens: spec.text.maxPositionEmbeddings,
    prepare: () => ({ prompt: input, imageTokens }),
    processor: { tokenizer: { encodePlain: () => [], createStreamDecoder: () => SILENT } },
  };
  const example = { key: 0, prompt: input, imageTokens, question: '', expected: '', kind: 'row' };
  const { peak, programs } = await planTrainingMemory(base, requestOf(size), example);
  return { peak: [...counting.peak(), ...peak], programs };
}

const SILENT = { push: () => '', end: () => '' };

/** The request of a run of that size over rows enough for its rehearsal; every other setting has its default. */
export function requestOf({ method, prompt, completion, group, batch, rank }: RunSize): TrainingRequest {
  const { sft, grpo, lora, ...rest } = DEFAULT_TRAIN_CONFIG;
  const read = () => Promise.reject(new ArgumentError('A plan reads no rows.'));
  return {
    ...rest,
    ...{
      method: method === 'sft' ? 'sft' : 'grpo',
      mode: 'solution',
      heldOut: null,
      start: null,
      checkpoint: null,
    },
    source: { kind: 'rows', rows: { count: 4 * batch, read } },
    lora: { ...lora, r: rank },
    sft: { ...sft, batchSize: batch, maxLength: prompt + completion },
    grpo: { ...grpo, promptsPerStep: batch, numGenerations: group, maxCompletionLength: completion },
  };
}
