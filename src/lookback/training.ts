// Makes a trainer for a loaded model: its examples from the built-in world or from rows, its adapter, its rewards.
// Model, request and checkpoint decide the trainer's course; making it again from the same three goes on bit for bit
// on the same device.

import { attentionPhases } from '../answer/attention_phases';
import type { PixelArray } from '../data/image/pillow_resize';
import { IMAGE_SIDE } from '../data/world/grid';
import { drawSample, type WorldSample } from '../data/world/world_sample';
import { inScope } from '../gpu/gpu_scope';
import { DataError } from '../lib/errors';
import { createPrng } from '../lib/prng';
import { ImageEncoder } from '../model/image_encoder';
import { initialLoraWeights, LoraAdapter, type LoraConfig, type LoraWeights } from '../model/lora';
import type { ExampleSplit } from '../settings/held_out';
import { throwProblems } from '../settings/read_settings';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { configProblems } from '../settings/train_plan';
import type { TrainConfig, TrainingMethod, WorldSettings } from '../settings/train_settings';
import type { CandidateGroup } from '../train/group_scoring';
import { GrpoTrainer } from '../train/grpo_trainer';
import { LoraPolicy } from '../train/policy';
import { Rollout } from '../train/rollout';
import { SftTrainer } from '../train/sft_trainer';
import type {
  ExampleSource,
  LabelledExample,
  PromptExample,
  StepHooks,
  Trainer,
  TrainerCheckpoint,
} from '../train/trainer';
import { coldStartText } from './cold_start';
import type { Reasoner } from './reasoner';
import { REWARDS, rewardsOf } from './rewards';
import {
  type LeftOutRows,
  labelledRows,
  PreparedRows,
  promptRows,
  type RowSource,
  type TrainingRow,
} from './row_examples';
import { loraConfigOf } from './training_adapter';
import { completionMetrics } from './training_metrics';

/** Questions of the built-in world: sheets of shapes and photographs. */
export type ShapesWorldSource = { readonly kind: 'shapes_world' } & WorldSettings;

/** An adapter that a run continues. */
export interface AdapterStart {
  readonly config: LoraConfig;
  readonly weights: readonly LoraWeights[];
}

/** What to train, and from where. */
export interface TrainingRequest extends TrainConfig {
  readonly method: TrainingMethod;
  readonly mode: ReasoningMode;
  readonly source: ShapesWorldSource | { readonly kind: 'rows'; readonly rows: RowSource };
  /** Adapter to continue; it is GRPO's reference too. */
  readonly start: AdapterStart | null;
  readonly checkpoint: TrainerCheckpoint | null;
}

/** What making a trainer tells while it prepares. */
export interface PreparingHooks extends StepHooks {
  /** On rows: once, also when nothing was left out. */
  readonly onLeftOut?: ((leftOut: LeftOutRows) => void) | undefined;
  /** SFT: how the examples are divided, before the first step. */
  readonly onSplit?: ((split: ExampleSplit) => void) | undefined;
}

/** Share of looking-back examples that begin with a wrong thought, where the base had one. */
const WRONG_FIRST_SHARE = 0.5;
/** Scenes whose rollouts are sampled at once while a cold start is prepared. */
const SCENES_AT_ONCE = 32;

/**
 * Makes a trainer. Preparing a cold start samples from the base: `hooks` report and abort it.
 * @throws ArgumentError naming a bad setting; DataError for a set without usable rows; GpuError; the signal's reason
 */
export async function createTrainer(
  reasoner: Reasoner,
  request: TrainingRequest,
  hooks: PreparingHooks = {},
): Promise<Trainer> {
  checkRequest(request);
  const rewards = rewardsOf(request.grpo.rewardWeights);
  return inScope(reasoner.model.device.gpu, async (memory) => {
    const images = memory.own(new ImageEncoder(reasoner.model.device));
    const labelled = request.method === 'sft' ? await labelledSource(reasoner, images, request, hooks) : null;
    const policy = memory.own(await createPolicy(reasoner, images, request));
    if (request.checkpoint) policy.restore(request.checkpoint);
    const rollout = memory.own(rolloutOf(reasoner, images, policy.adapter));
    if (labelled) {
      const parts = { memory, policy, rollout, examples: labelled };
      const trainer = new SftTrainer(parts, request, request.sft, request.checkpoint);
      hooks.onSplit?.(trainer.split);
      return trainer;
    }
    const reference = request.grpo.beta > 0 ? memory.own(referenceOf(reasoner, request)) : null;
    const scoring = { rewards, accuracy: REWARDS.accuracy, settings: request.grpo };
    const examples = await promptSource(reasoner, request, hooks);
    const parts = { memory, policy, reference, rollout, examples, scoring, observe };
    return new GrpoTrainer(parts, request, request.grpo, request.checkpoint);
  });
}

function checkRequest(request: TrainingRequest): void {
  const { method, source, start } = request;
  const kind = source.kind === 'rows' ? 'dataset' : source.kind;
  throwProblems(configProblems(request, { method, source: kind, continues: start !== null }));
}

function startWeights(
  reasoner: Reasoner,
  request: TrainingRequest,
  config: LoraConfig,
): readonly LoraWeights[] {
  if (request.start) return request.start.weights;
  return initialLoraWeights(reasoner.model.config, config, createPrng(0x10a4, request.seed));
}

async function createPolicy(
  reasoner: Reasoner,
  images: ImageEncoder,
  request: TrainingRequest,
): Promise<LoraPolicy> {
  const config = loraConfigOf(request, reasoner.model.config.modelType);
  return LoraPolicy.create(reasoner.model.device, images, config, startWeights(reasoner, request, config), {
    gradientCheckpointing: request.gradientCheckpointing,
    maxGradNorm: request.optim.maxGradNorm,
    temperature: request.method === 'grpo' ? request.grpo.temperature : 1,
    dropout: { p: request.lora.loraDropout, seed: request.seed },
  });
}

/** The policy as the run began, frozen: a new adapter is the base, as its B is zero. */
function referenceOf(reasoner: Reasoner, request: TrainingRequest): LoraAdapter {
  const { config: model, device } = reasoner.model;
  const config = loraConfigOf(request, model.modelType);
  return LoraAdapter.create(device.gpu, config, model, startWeights(reasoner, request, config), false);
}

function rolloutOf(reasoner: Reasoner, images: ImageEncoder, adapter: LoraAdapter | null): Rollout {
  const { device, weights } = reasoner.model;
  return new Rollout({
    model: adapter ? { ...device, weights: adapter.applyTo(weights) } : device,
    images,
    eosTokenIds: reasoner.eosTokenIds,
    createDecoder: () => reasoner.processor.tokenizer.createStreamDecoder({ skipSpecialTokens: true }),
  });
}

function worldSample(request: TrainingRequest, { textShare }: ShapesWorldSource, index: number): WorldSample {
  return drawSample({ split: 'train', seed: request.seed, index, textShare });
}

function picture(sample: WorldSample): PixelArray {
  return { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data: sample.image() };
}

function examplePrompt(
  reasoner: Reasoner,
  mode: ReasoningMode,
  key: number,
  row: Omit<TrainingRow, 'response'>,
  kind: string,
): PromptExample {
  const { prompt, imageTokens } = reasoner.prepare({ image: row.image, text: row.question, mode });
  return { key, prompt, imageTokens, question: row.question, expected: row.answer, kind };
}

function worldPrompt(
  reasoner: Reasoner,
  mode: ReasoningMode,
  key: number,
  sample: WorldSample,
): PromptExample {
  const row = { image: picture(sample), question: sample.text, answer: sample.answer };
  return examplePrompt(reasoner, mode, key, row, sample.kind === 'text' ? 'text' : 'visual');
}

async function promptSource(
  reasoner: Reasoner,
  request: TrainingRequest,
  hooks: PreparingHooks,
): Promise<ExampleSource<PromptExample>> {
  const { source, mode } = request;
  if (source.kind === 'shapes_world') {
    return {
      count: Number.POSITIVE_INFINITY,
      read: async (position) => worldPrompt(reasoner, mode, position, worldSample(request, source, position)),
    };
  }
  const room = reasoner.maxTokens - request.grpo.maxCompletionLength;
  const found = await promptRows(preparedRows(reasoner, request, source.rows), room, hooks);
  hooks.onLeftOut?.(found.leftOut);
  return found.source;
}

function preparedRows(reasoner: Reasoner, { mode }: TrainingRequest, rows: RowSource): PreparedRows {
  if (rows.count === 0) throw new DataError('data/dataset', 'The dataset has no rows.');
  return new PreparedRows(rows, (row, position) => examplePrompt(reasoner, mode, position, row, 'row'));
}

async function labelledSource(
  reasoner: Reasoner,
  images: ImageEncoder,
  request: TrainingRequest,
  hooks: PreparingHooks,
): Promise<ExampleSource<LabelledExample>> {
  const { source } = request;
  if (source.kind === 'rows') {
    const settings = {
      maxLength: Math.min(request.sft.maxLength, reasoner.maxTokens),
      encode: (response: string) => completionIds(reasoner, response),
    };
    const found = await labelledRows(preparedRows(reasoner, request, source.rows), settings, hooks);
    hooks.onLeftOut?.(found.leftOut);
    return found.source;
  }
  const examples = await coldStart(reasoner, images, request, source, hooks);
  return {
    count: examples.length,
    read: async (position) => {
      const example = examples[position];
      if (!example) throw new DataError('data/row', `There is no example ${position}.`);
      return example;
    },
  };
}

/** Response and end token as ids. */
function completionIds(reasoner: Reasoner, response: string): number[] {
  const ids = reasoner.processor.tokenizer.encodePlain(response);
  const [eos] = reasoner.eosTokenIds;
  return eos === undefined ? ids : [...ids, eos];
}

/** Cold-start examples of the built-in world: the base's own thoughts, sampled here, with the oracle's looks put in. */
async function coldStart(
  reasoner: Reasoner,
  images: ImageEncoder,
  request: TrainingRequest,
  source: ShapesWorldSource,
  hooks: StepHooks,
): Promise<LabelledExample[]> {
  const rollout = rolloutOf(reasoner, images, null);
  const examples: LabelledExample[] = [];
  const position = request.mode === 'semantic' ? 'semantic' : 'solution';
  const shares = {
    position,
    reflectionRate: source.reflectionRate,
    wrongFirstShare: WRONG_FIRST_SHARE,
  } as const;
  try {
    for (let first = 0; first < source.scenes; first += SCENES_AT_ONCE) {
      hooks.onPhase?.('sampling a cold start', first / source.scenes);
      await hooks.turn?.();
      const count = Math.min(SCENES_AT_ONCE, source.scenes - first);
      const samples = Array.from({ length: count }, (_, at) => worldSample(request, source, first + at));
      const prompts = samples.map((sample, at) => worldPrompt(reasoner, 'cot', first + at, sample));
      const longest = Math.max(...prompts.map(({ prompt }) => prompt.inputIds.length));
      const maxCompletionLength = Math.min(request.sft.maxCompletionLength, rollout.maxTokens - longest);
      const settings = { temperature: 1, topP: 1, maxCompletionLength, capture: false };
      const seeded = { ...settings, seed: request.seed, step: first };
      const { signal, turn } = hooks;
      const answers = await rollout.sample(prompts, source.rolloutsPerScene, seeded, { signal, turn });
      samples.forEach((sample, at) => {
        const texts = (answers[at] ?? [])
          .filter(({ finishReason }) => finishReason === 'eos')
          .map(({ text }) => text);
        const made = coldStartText(sample, texts, createPrng(0xc01d, request.seed, first + at), shares);
        if (!made) return;
        const prompt = worldPrompt(reasoner, request.mode, first + at, sample);
        const completion = completionIds(reasoner, made.text);
        if (prompt.prompt.inputIds.length + completion.length > request.sft.maxLength) return;
        examples.push({ ...prompt, completion });
      });
    }
  } finally {
    rollout.destroy();
  }
  return examples;
}

/** Look-Back's metrics of a step's completions. */
function observe(groups: readonly CandidateGroup[]): Record<string, number> {
  return completionMetrics(
    groups.flatMap(({ candidates }) =>
      candidates.map(({ answer, sample, scored }) => {
        const { text } = answer;
        const attention = attentionPhases({
          reading: answer.reading(),
          imageShares: answer.imageShares(),
          tokenSpan: (start, end) => answer.tokenSpan(start, end),
        });
        const { countTokens, expected, length } = sample;
        return { text, expected, truncated: scored.truncated, length, countTokens, attention };
      }),
    ),
  );
}
