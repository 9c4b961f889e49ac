// Makes a trainer for a loaded model: its adapter, its rewards, and its examples, which training_examples.ts makes.
// Model, request and checkpoint decide the trainer's course; making it again from the same three goes on bit for bit
// on the same device.

import { readAnswer } from '../answer/answer_reading';
import { attentionPhases } from '../answer/attention_phases';
import type { LookTagName, LookTags } from '../answer/look_tags';
import type { Tokenizer } from '../data/text/tokenizer';
import { generateBatch } from '../generation/generate';
import type { PreparedPrompt } from '../generation/processor';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { ArgumentError } from '../lib/errors';
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
import type { AnswerFigures, HeldOutExample } from '../train/held_out_evaluation';
import { LoraPolicy } from '../train/policy';
import type { RewardSample } from '../train/rewards';
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
import { CustomReward, type OpenRewardWorker, openBrowserRewardWorker } from './custom_reward';
import { summarise } from './evaluation';
import { evaluationMetrics } from './evaluation_metrics';
import { scoreGenerated } from './evaluation_run';
import type { Reasoner } from './reasoner';
import { REWARDS, rewardsOf } from './rewards';
import type { LeftOutRows, RowSource } from './row_examples';
import { checkTrainable, loraConfigOf } from './training_adapter';
import {
  heldOutSource,
  labelledSource,
  lookOf,
  promptSource,
  rolloutOf,
  trialQuestion,
} from './training_examples';
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
  /** Name of the tags of a look back; by default the method's own. */
  readonly lookTag?: LookTagName | undefined;
  readonly source: ShapesWorldSource | { readonly kind: 'rows'; readonly rows: RowSource };
  /** Another set to evaluate on; null holds some of the source's examples out. */
  readonly heldOut: RowSource | null;
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
  /** How a set is divided, before the first step; not of the built-in world under GRPO, which has no end. */
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
  /** Another set to evaluate on; null where there is none. */
  heldOut(making: TrainerMaking): Promise<ExampleSource<HeldOutExample> | null>;
  readonly generate: typeof generateBatch;
  /** How GRPO scores; what it makes is owned by `memory`. */
  scoring(request: TrainingRequest, memory: GpuScope): Scoring | Promise<Scoring>;
  /** Metrics of a step's completions besides the trainer's. */
  observe(groups: readonly CandidateGroup[], look: LookTags): Readonly<Record<string, number>>;
  /** Figures of an evaluation's answers. */
  figures(base: TrainerBase, look: LookTags): AnswerFigures;
}

/** What a run is made of; only an estimate of its memory takes something else. */
export const INGREDIENTS: TrainerIngredients = {
  labelled: labelledSource,
  prompts: promptSource,
  heldOut: heldOutSource,
  generate: generateBatch,
  scoring: scoringOf,
  observe,
  figures: answerFigures,
};

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
  const look = lookOf(request);
  return inScope(device.gpu, async (memory) => {
    const scoring = await ingredients.scoring(request, memory);
    const images = memory.own(new ImageEncoder(device));
    const making: TrainerMaking = { base, request, hooks, images, ingredients };
    const labelled = request.method === 'sft' ? await ingredients.labelled(making) : null;
    const policy = memory.own(await createPolicy(making));
    if (request.checkpoint) policy.restore(request.checkpoint);
    const rollout = memory.own(rolloutOf(making, policy.applied));
    const heldOut = request.evalSteps > 0 ? await ingredients.heldOut(making) : null;
    const sampled = { memory, policy, rollout, heldOut, figures: ingredients.figures(base, look) };
    if (labelled) {
      const parts = { ...sampled, examples: labelled };
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
    const observe = (groups: readonly CandidateGroup[]) => ingredients.observe(groups, look);
    const parts = { ...sampled, reference, visualGain, examples, scoring, observe };
    const trainer = new GrpoTrainer(parts, request, request.grpo, request.checkpoint);
    if (Number.isFinite(examples.count)) hooks.onSplit?.(trainer.split);
    return trainer;
  });
}

/** The rewards of a run. A user's own is tried once, before anything is sampled. */
async function scoringOf(request: TrainingRequest, memory: GpuScope): Promise<Scoring> {
  const { method, grpo: settings, openReward = openBrowserRewardWorker } = request;
  const rewards = rewardsOf(settings.rewardWeights, lookOf(request));
  const scoring = { rewards, accuracy: REWARDS.accuracy, settings };
  const weight = settings.rewardWeights.custom;
  if (method !== 'grpo' || !weight) return scoring;
  if (settings.customReward === null) {
    throw new ArgumentError('grpo.rewardWeights.custom is not 0: grpo.customReward must be a function.');
  }
  const own = memory.own(new CustomReward(settings.customReward, openReward));
  await own.check(await trialQuestion(request.source));
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

/** Scores an evaluation's answers as the Look-Back evaluation does. */
function answerFigures({ model: { device } }: TrainerBase, look: LookTags): AnswerFigures {
  return (answers) =>
    evaluationMetrics(
      summarise(
        answers.map(({ example, answer }) => {
          const { key: index, kind, question, expected } = example;
          return scoreGenerated(
            device.config,
            answer,
            example,
            { index, kind, question, expected },
            { look },
          );
        }),
      ),
    );
}

/** Look-Back's metrics of a step's completions. */
function observe(groups: readonly CandidateGroup[], look: LookTags): Record<string, number> {
  return completionMetrics(
    groups.flatMap(({ candidates }) =>
      candidates.map(({ sample, scored, answer }) => {
        const { text, countTokens, expected, length } = sample;
        const attention = attentionPhases({
          reading: readAnswer(text, look),
          imageShares: answer.imageShares(),
          tokenSpan: (start, end) => answer.tokenSpan(start, end),
        });
        return { text, look, expected, truncated: scored.truncated, length, countTokens, attention };
      }),
    ),
  );
}
