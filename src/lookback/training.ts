// Makes a trainer for a loaded model: its examples from the built-in world or from rows, its adapter, its rewards.
// Model, request and checkpoint decide the trainer's course; making it again from the same three goes on bit for bit
// on the same device.

import type { Tokenizer } from '../data/text/tokenizer';
import { drawSample, type WorldSample } from '../data/world/world_sample';
import { generateBatch } from '../generation/generate';
import type { PreparedPrompt } from '../generation/processor';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { ArgumentError, DataError } from '../lib/errors';
import { createPrng } from '../lib/prng';
import { ImageEncoder } from '../model/image_encoder';
import { initialLoraWeights, LoraAdapter, type LoraConfig, type LoraWeights } from '../model/lora';
import type { VisionLanguageModel } from '../model/vision_language_model';
import type { ExampleSplit } from '../settings/held_out';
import { throwProblems } from '../settings/read_settings';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { configProblems } from '../settings/train_plan';
import type { TrainConfig, TrainingMethod, WorldSettings } from '../settings/train_settings';
import type { CandidateGroup, Scoring } from '../train/group_scoring';
import { GrpoTrainer } from '../train/grpo_trainer';
import { LoraPolicy } from '../train/policy';
import type { RewardSample } from '../train/rewards';
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
import { VisualGain } from '../train/visual_gain';
import { wholeAnswers } from './cold_start/model_answers';
import { worldPixels } from './cold_start/problem_source';
import { coldStartText } from './cold_start/world_example';
import { CustomReward, type OpenRewardWorker, openBrowserRewardWorker } from './custom_reward';
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
import { checkTrainable, loraConfigOf } from './training_adapter';
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
  /** Starts the Worker of a user's own reward; a browser's where it is absent. */
  readonly openReward?: OpenRewardWorker;
}

/** What making a trainer tells while it prepares. */
export interface PreparingHooks extends StepHooks {
  /** On rows: once, also when nothing was left out. */
  readonly onLeftOut?: ((leftOut: LeftOutRows) => void) | undefined;
  /** SFT: how the examples are divided, before the first step. */
  readonly onSplit?: ((split: ExampleSplit) => void) | undefined;
}

/** The part of a {@link Reasoner} that trainers are made on. */
export type TrainerBase = Pick<Reasoner, 'eosTokenIds' | 'maxTokens'> & {
  prepare(question: Parameters<Reasoner['prepare']>[0]): Pick<PreparedPrompt, 'prompt' | 'imageTokens'>;
  readonly model: Pick<VisionLanguageModel, 'device'>;
  readonly processor: { readonly tokenizer: Pick<Tokenizer, 'encodePlain' | 'createStreamDecoder'> };
};

/** A trainer in the making. */
export interface TrainerMaking {
  readonly base: TrainerBase;
  readonly request: TrainingRequest;
  readonly hooks: PreparingHooks;
  readonly images: ImageEncoder;
  readonly ingredients: TrainerIngredients;
}

/** What a trainer is made of besides its model and its settings. */
export interface TrainerIngredients {
  /** Examples of SFT. */
  labelled(making: TrainerMaking): Promise<ExampleSource<LabelledExample>>;
  /** Examples of GRPO. */
  prompts(making: TrainerMaking): Promise<ExampleSource<PromptExample>>;
  readonly generate: typeof generateBatch;
  /** How GRPO scores; what it makes is owned by `memory`. */
  scoring(request: TrainingRequest, memory: GpuScope): Scoring | Promise<Scoring>;
  /** Metrics of a step's completions besides the trainer's. */
  observe(groups: readonly CandidateGroup[]): Readonly<Record<string, number>>;
}

/** What a run is made of; only an estimate of its memory takes something else. */
export const INGREDIENTS: TrainerIngredients = {
  labelled: labelledSource,
  prompts: promptSource,
  generate: generateBatch,
  scoring: scoringOf,
  observe,
};

/** Share of looking-back examples that begin with a wrong thought, where the base had one. */
const WRONG_FIRST_SHARE = 0.5;
/** Scenes whose rollouts are sampled at once while a cold start is prepared. */
export const SCENES_AT_ONCE = 32;

/**
 * Makes a trainer. Preparing a cold start samples from the base: `hooks` report and abort it.
 * @throws ArgumentError naming a bad setting; LookBackError `train/adapter` for an adapter that cannot be continued; DataError for a set without usable rows; GpuError; the signal's reason
 */
export async function createTrainer(
  base: TrainerBase,
  request: TrainingRequest,
  hooks: PreparingHooks = {},
  ingredients = INGREDIENTS,
): Promise<Trainer> {
  checkRequest(base, request);
  const { device } = base.model;
  return inScope(device.gpu, async (memory) => {
    const scoring = await ingredients.scoring(request, memory);
    const images = memory.own(new ImageEncoder(device));
    const making: TrainerMaking = { base, request, hooks, images, ingredients };
    const labelled = request.method === 'sft' ? await ingredients.labelled(making) : null;
    const policy = memory.own(await createPolicy(making));
    if (request.checkpoint) policy.restore(request.checkpoint);
    const rollout = memory.own(rolloutOf(making, policy.adapter));
    if (labelled) {
      const parts = { memory, policy, rollout, examples: labelled };
      const trainer = new SftTrainer(parts, request, request.sft, request.checkpoint);
      hooks.onSplit?.(trainer.split);
      return trainer;
    }
    const { beta, rewardWeights } = request.grpo;
    const gained = rewardWeights.visual_dependence !== 0;
    const frozen = beta > 0 || gained ? memory.own(referenceOf(base, request)) : null;
    const reference = beta > 0 ? frozen : null;
    const visualGain = gained && frozen ? new VisualGain(frozen, request.tokensPerMicroBatch) : null;
    const examples = await ingredients.prompts(making);
    const { observe } = ingredients;
    const parts = { memory, policy, reference, visualGain, rollout, examples, scoring, observe };
    return new GrpoTrainer(parts, request, request.grpo, request.checkpoint);
  });
}

/** The rewards of a run. A user's own is tried once, before anything is sampled. */
async function scoringOf(
  { method, grpo: settings, openReward = openBrowserRewardWorker }: TrainingRequest,
  memory: GpuScope,
): Promise<Scoring> {
  const scoring = { rewards: rewardsOf(settings.rewardWeights), accuracy: REWARDS.accuracy, settings };
  const weight = settings.rewardWeights.custom;
  if (method !== 'grpo' || !weight) return scoring;
  if (settings.customReward === null) {
    throw new ArgumentError('grpo.rewardWeights.custom is not 0: grpo.customReward must be a function.');
  }
  const own = memory.own(new CustomReward(settings.customReward, openReward));
  await own.check();
  const score = (samples: readonly RewardSample[]) =>
    Promise.all(samples.map((sample) => own.score(sample, REWARDS.accuracy(sample).score)));
  return { ...scoring, custom: { weight, score } };
}

function checkRequest({ model }: TrainerBase, request: TrainingRequest): void {
  const { method, source, start } = request;
  const kind = source.kind === 'rows' ? 'dataset' : source.kind;
  throwProblems(configProblems(request, { method, source: kind, continues: start !== null }));
  if (start) checkTrainable(start, model.device.config);
}

function startWeights(
  { model }: TrainerBase,
  request: TrainingRequest,
  config: LoraConfig,
): readonly LoraWeights[] {
  if (request.start) return request.start.weights;
  return initialLoraWeights(model.device.config, config, createPrng(0x10a4, request.seed));
}

async function createPolicy({ base, request, images }: TrainerMaking): Promise<LoraPolicy> {
  const { device } = base.model;
  const config = loraConfigOf(request, device.config.modelType);
  return LoraPolicy.create(device, images, config, startWeights(base, request, config), {
    gradientCheckpointing: request.gradientCheckpointing,
    maxGradNorm: request.optim.maxGradNorm,
    temperature: request.method === 'grpo' ? request.grpo.temperature : 1,
    dropout: { p: request.lora.loraDropout, seed: request.seed },
  });
}

/** The policy as the run began, frozen: a new adapter is the base, as its B is zero. */
function referenceOf(base: TrainerBase, request: TrainingRequest): LoraAdapter {
  const { config: model, gpu } = base.model.device;
  const config = loraConfigOf(request, model.modelType);
  return LoraAdapter.create(gpu, config, model, startWeights(base, request, config), false);
}

function rolloutOf({ base, images, ingredients }: TrainerMaking, adapter: LoraAdapter | null): Rollout {
  const { device } = base.model;
  return new Rollout({
    model: adapter ? { ...device, weights: adapter.applyTo(device.weights) } : device,
    images,
    eosTokenIds: base.eosTokenIds,
    generate: ingredients.generate,
    createDecoder: () => base.processor.tokenizer.createStreamDecoder({ skipSpecialTokens: true }),
  });
}

function worldSample(request: TrainingRequest, { textShare }: ShapesWorldSource, index: number): WorldSample {
  return drawSample({ split: 'train', seed: request.seed, index, textShare });
}

function examplePrompt(
  base: TrainerBase,
  mode: ReasoningMode,
  key: number,
  row: Omit<TrainingRow, 'response'>,
  kind: string,
): PromptExample {
  const { prompt, imageTokens } = base.prepare({ image: row.image, text: row.question, mode });
  return { key, prompt, imageTokens, question: row.question, expected: row.answer, kind };
}

function worldPrompt(
  base: TrainerBase,
  mode: ReasoningMode,
  key: number,
  sample: WorldSample,
): PromptExample {
  const row = { image: worldPixels(sample), question: sample.text, answer: sample.answer };
  return examplePrompt(base, mode, key, row, sample.kind === 'text' ? 'text' : 'visual');
}

async function promptSource({ base, request, hooks }: TrainerMaking): Promise<ExampleSource<PromptExample>> {
  const { source, mode } = request;
  if (source.kind === 'shapes_world') {
    return {
      count: Number.POSITIVE_INFINITY,
      read: async (position) => worldPrompt(base, mode, position, worldSample(request, source, position)),
    };
  }
  const room = base.maxTokens - request.grpo.maxCompletionLength;
  const found = await promptRows(preparedRows(base, request, source.rows), room, hooks);
  hooks.onLeftOut?.(found.leftOut);
  return found.source;
}

function preparedRows(base: TrainerBase, { mode }: TrainingRequest, rows: RowSource): PreparedRows {
  if (rows.count === 0) throw new DataError('data/dataset', 'The dataset has no rows.');
  return new PreparedRows(rows, (row, position) => examplePrompt(base, mode, position, row, 'row'));
}

async function labelledSource(making: TrainerMaking): Promise<ExampleSource<LabelledExample>> {
  const { base, request, hooks } = making;
  const { source } = request;
  if (source.kind === 'rows') {
    const settings = {
      maxLength: Math.min(request.sft.maxLength, base.maxTokens),
      encode: (response: string) => completionIds(base, response),
    };
    const found = await labelledRows(preparedRows(base, request, source.rows), settings, hooks);
    hooks.onLeftOut?.(found.leftOut);
    return found.source;
  }
  const examples = await coldStart(making, source);
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
function completionIds(base: TrainerBase, response: string): number[] {
  const ids = base.processor.tokenizer.encodePlain(response);
  const [eos] = base.eosTokenIds;
  return eos === undefined ? ids : [...ids, eos];
}

/** Cold-start examples of the built-in world: the base's own thoughts, sampled here, with the oracle's looks put in. */
async function coldStart(making: TrainerMaking, source: ShapesWorldSource): Promise<LabelledExample[]> {
  const { base, request, hooks } = making;
  const rollout = rolloutOf(making, null);
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
      const prompts = samples.map((sample, at) => worldPrompt(base, 'cot', first + at, sample));
      const sampling = {
        count: source.rolloutsPerScene,
        temperature: 1,
        maxNewTokens: request.sft.maxCompletionLength,
        seed: request.seed,
      };
      const { signal, turn } = hooks;
      const answers = await wholeAnswers(rollout, prompts, sampling, first, { signal, turn });
      samples.forEach((sample, at) => {
        const texts = answers[at] ?? [];
        const made = coldStartText(sample, texts, createPrng(0xc01d, request.seed, first + at), shares);
        if (!made) return;
        const prompt = worldPrompt(base, request.mode, first + at, sample);
        const completion = completionIds(base, made.text);
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
      candidates.map(({ sample, scored }) => {
        const { text, countTokens, expected, length, attention } = sample;
        return { text, expected, truncated: scored.truncated, length, countTokens, attention };
      }),
    ),
  );
}
