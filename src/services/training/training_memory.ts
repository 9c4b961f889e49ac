// Plans the device memory that a training plan needs, with nothing allocated: it rehearses the run's own trainer on a
// device that only counts, with examples and answers as long as they may get and shorter ones. The base model's weights
// are there already and do not count.

import type { StreamDecoder } from '../../data/text/stream_decoder';
import { GeneratedAnswer, type generateBatch } from '../../generation/generate';
import { type CountedBuffer, countingGpu } from '../../gpu/counting_gpu';
import type { GpuContext } from '../../gpu/device';
import { GpuError } from '../../lib/errors';
import {
  createTrainer,
  INGREDIENTS,
  type TrainerBase,
  type TrainerIngredients,
  type TrainingRequest,
} from '../../lookback/training';
import { loraConfigOf } from '../../lookback/training_adapter';
import { SCENES_AT_ONCE } from '../../lookback/training_examples';
import { type LoraWeights, shapedModules, targetedModules } from '../../model/lora';
import type { PromptInput } from '../../model/prompt_packing';
import { heldOutSize } from '../../settings/held_out';
import { programsOf } from '../../tensor/arena_pool';
import type { LabelledExample, PromptExample } from '../../train/trainer';

/** Buffers of one purpose, in bytes each. */
export interface MemoryPart {
  readonly name: string;
  readonly buffers: readonly number[];
}

/** What a plan needs. */
export interface MemoryPlan {
  /** The largest first. */
  readonly parts: readonly MemoryPart[];
  /** The same buffers one by one, in order of making. */
  readonly peak: readonly CountedBuffer[];
  /** Programs that share the part `activations`, with the bytes that each needs of it. */
  readonly programs: readonly CountedBuffer[];
  readonly trainableParameters: number;
}

/** Lengths of the rehearsed completions as shares of the longest: a policy keeps programs of several sizes. */
const LENGTHS = [1, 3 / 4, 1 / 2];
/** A step of more tokens is rehearsed with fewer examples: its further micro-batches repeat the first ones. */
const STEP_TOKENS = 2 ** 20;
/** No device computes a single group of so many tokens, which is never cut. */
const GROUP_TOKENS = 2 ** 21;

/** What buffers are for, by the beginning of their labels; the rest is what sampling needs. */
const PURPOSES: readonly (readonly [name: string, labels: RegExp])[] = [
  ['activations', /^shared arena /],
  ['pictures', /^(vision|image) /],
  ['updates', /^(train|scores) /],
  [
    'adapter and optimizer',
    /^(adapter|merged?|micro-batch gradient|accumulate|clear gradient|update|clip|read)\b/,
  ],
];
const REST = 'sampling';

/** Says nothing of what is decoded. */
const SILENT: StreamDecoder = { push: () => '', end: () => '' };

/**
 * Memory of a run at its peak.
 * @param example stands for all of the run's examples
 * @throws GpuError `gpu/limit` where a buffer or a kernel passes the device's limits; ArgumentError and the like where
 *   the run would throw them
 */
export async function planTrainingMemory(
  base: TrainerBase,
  request: TrainingRequest,
  example: PromptExample,
): Promise<MemoryPlan> {
  const { device } = base.model;
  const counting = countingGpu(device.gpu);
  const rehearsed = rehearsedRequest(base, request, example);
  let share = 1;
  const heldOut = request.heldOut === null ? heldOutSize(countOf(request), request) : 0;
  const trained = Number.isFinite(heldOut) ? countOf(request) - heldOut : countOf(request);
  const maxLength = Math.min(request.sft.maxLength, base.maxTokens);
  const ingredients = rehearsal(rehearsed, example, { trained, maxLength, share: () => share });
  const trainer = await createTrainer(onDevice(base, counting.gpu), rehearsed, {}, ingredients);
  for (share of LENGTHS) {
    await trainer.runStep({});
    await trainer.evaluate?.({});
  }
  await trainer.checkpoint();
  const { weights } = rehearsed.start;
  const trainableParameters = weights.reduce((total, { a, b }) => total + a.length + b.length, 0);
  const peak = counting.peak();
  return { parts: partsOf(peak), peak, programs: programsOf(counting.gpu), trainableParameters };
}

/** The same model, its traces and memory on another device. */
function onDevice(base: TrainerBase, gpu: GpuContext): TrainerBase {
  const { processor, eosTokenIds, maxTokens, model } = base;
  const prepare: TrainerBase['prepare'] = (question) => base.prepare(question);
  return { prepare, eosTokenIds, maxTokens, processor, model: { device: { ...model.device, gpu } } };
}

/** The run in short: a step or an evaluation of very many examples has fewer. */
function rehearsedRequest(base: TrainerBase, request: TrainingRequest, { prompt }: PromptExample) {
  const { sft, grpo } = request;
  const group =
    request.method === 'sft'
      ? Math.min(sft.maxLength, base.maxTokens)
      : prompt.inputIds.length + grpo.numGenerations * grpo.maxCompletionLength;
  if (group > GROUP_TOKENS) {
    throw new GpuError('gpu/limit', `The answers to one question have up to ${group} tokens.`, { group });
  }
  const most = Math.max(1, Math.floor(STEP_TOKENS / group));
  const { source } = request;
  const evalBatchSize = Math.min(request.evalBatchSize, most);
  // Whole batches are alike; the rest makes one of another size.
  const shortened = (count: number): number =>
    count <= evalBatchSize || !Number.isFinite(count)
      ? Math.min(count, evalBatchSize)
      : evalBatchSize + (count % evalBatchSize);
  return {
    ...request,
    checkpoint: null,
    start: request.start ?? zeroStart(base, request),
    source: source.kind === 'rows' ? source : { ...source, scenes: Math.min(source.scenes, SCENES_AT_ONCE) },
    maxSteps: LENGTHS.length,
    evalBatchSize,
    evalSize: shortened(heldOutSize(countOf(request), request)),
    evalSamples: shortened(request.evalSamples),
    heldOut: null,
    sft: { ...sft, numTrainEpochs: 0, batchSize: Math.min(sft.batchSize, most) },
    grpo: { ...grpo, promptsPerStep: Math.min(grpo.promptsPerStep, most) },
  };
}

/** A new adapter of the run's shape: of its values none matters. */
function zeroStart({ model }: TrainerBase, request: TrainingRequest): NonNullable<TrainingRequest['start']> {
  const { config: modelConfig } = model.device;
  const config = loraConfigOf(request, modelConfig.modelType);
  const modules = shapedModules(targetedModules(modelConfig, config.targetModules), modelConfig);
  const weights = modules.map(({ module, shape: [out, width] }): LoraWeights => {
    return { module, a: new Float32Array(config.r * width), b: new Float32Array(out * config.r) };
  });
  return { config, weights };
}

/** How much is rehearsed. */
interface RehearsedLengths {
  /** Examples that the run trains on. */
  readonly trained: number;
  /** Longest example in tokens. */
  readonly maxLength: number;
  /** Share of the longest answer that an answer has now. */
  readonly share: () => number;
}

/**
 * Examples like the given one, each with pictures of its own, and answers of the length that is rehearsed; no group is
 * uniform.
 */
function rehearsal(
  request: ReturnType<typeof rehearsedRequest>,
  example: PromptExample,
  { trained, maxLength, share }: RehearsedLengths,
): TrainerIngredients {
  const shorter = (longest: number): number => Math.max(1, Math.round(share() * longest));
  const prompts = new Map<number, PromptInput>();
  const exampleAt = (key: number): PromptExample => {
    const { inputIds, images } = example.prompt;
    const prompt = prompts.get(key) ?? { inputIds, images: images.map((image) => ({ ...image })) };
    prompts.set(key, prompt);
    return { ...example, key, prompt };
  };
  const longest = maxLength - example.prompt.inputIds.length;
  const { sft, grpo, evalSize } = request;
  const written = (key: number): LabelledExample => {
    return { ...exampleAt(key), completion: Array<number>(shorter(longest)).fill(0) };
  };
  let scored = 0;
  const alternating = () => ({ score: scored++ % 2, why: '', span: null });
  return {
    labelled: async (making) => {
      if (making.request.source.kind === 'shapes_world') await INGREDIENTS.labelled(making);
      const count = Math.min(trained, LENGTHS.length * sft.batchSize);
      return { count, read: async (key) => written(key) };
    },
    prompts: async () => ({ count: trained, read: async (key) => exampleAt(key) }),
    heldOut: async () => ({
      count: evalSize,
      read: async (key) =>
        request.method === 'sft' ? written(-1 - key) : { ...exampleAt(-1 - key), completion: null },
    }),
    figures: () => () => ({}),
    generate: (source, requests) => longAnswers(source, requests, shorter),
    scoring: () => ({
      rewards: [{ name: 'rehearsed', weight: 1, of: alternating }],
      accuracy: alternating,
      settings: grpo,
    }),
    observe: () => ({}),
  };
}

/** Runs the prompts and the first step; the answers are made up, each as long as it may get. */
async function longAnswers(
  source: Parameters<typeof generateBatch>[0],
  requests: Parameters<typeof generateBatch>[1],
  shorter: (longest: number) => number,
): Promise<GeneratedAnswer[]> {
  await source.prefill(
    requests.map(({ prompt }) => prompt),
    requests.map(({ sampling }) => sampling),
  );
  return requests.map(({ sampling }) => {
    const answer = new GeneratedAnswer(SILENT);
    for (let token = shorter(sampling.maxNewTokens); token > 0; token--) answer.push(0, false);
    answer.finish('eos');
    return answer;
  });
}

/** Examples of a run's set. */
function countOf({ source }: Pick<TrainingRequest, 'source'>): number {
  return source.kind === 'rows' ? source.rows.count : Number.POSITIVE_INFINITY;
}

function partsOf(buffers: readonly CountedBuffer[]): MemoryPart[] {
  const parts = new Map<string, number[]>();
  for (const { label, bytes } of buffers) {
    const [name] = PURPOSES.find(([, labels]) => labels.test(label)) ?? [REST];
    parts.set(name, [...(parts.get(name) ?? []), bytes]);
  }
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return [...parts]
    .map(([name, own]) => ({ name, buffers: own }))
    .sort((a, b) => sum(b.buffers) - sum(a.buffers));
}
