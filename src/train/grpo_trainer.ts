// Trains an adapter by GRPO: samples groups, has them scored, and updates by the clipped, group-normalised policy
// gradient. Names of settings and metrics are TRL's. A step that is aborted before its last update leaves adapter and
// moments as they were.

import type { GeneratedAnswer } from '../generation/generate';
import type { GpuScope } from '../gpu/gpu_scope';
import { ArgumentError } from '../lib/errors';
import { defined, itemAt } from '../lib/invariant';
import type { LoraAdapter } from '../model/lora';
import { type ExampleSplit, exampleSplit } from '../settings/held_out';
import type { CommonSettings, GrpoSettings } from '../settings/train_settings';
import { checkSplit, dealQuestions, ExampleOrder } from './example_order';
import {
  type Candidate,
  type CandidateGroup,
  customOutcomes,
  readGroup,
  type Scoring,
  scoredGroup,
  scoreGroup,
  unmasked,
} from './group_scoring';
import { rolloutMetrics, UpdateMetrics } from './grpo_metrics';
import { type AnswerFigures, evaluationOf, type HeldOutExample } from './held_out_evaluation';
import { tokenWeights } from './losses';
import type { CompletionGroup } from './packing';
import type { LoraPolicy, MicroBatch, UpdateResult } from './policy';
import type { GrpoLoss } from './policy_loss';
import type { Rollout } from './rollout';
import { learningRateAt } from './schedule';
import type {
  ExampleSource,
  PromptExample,
  StepHooks,
  StepOutcome,
  Trainer,
  TrainerCheckpoint,
} from './trainer';
import type { VisualGain } from './visual_gain';

/** What a GRPO run is made of. */
export interface GrpoParts {
  /** Owns policy, reference, rollout and what they use, pictures included; freed with the trainer. */
  readonly memory: GpuScope;
  readonly policy: LoraPolicy;
  /** Frozen adapter of the KL term, as the run began; null exactly where `beta` is 0. */
  readonly reference: LoraAdapter | null;
  /** What measures how much the picture helps; null where no reward asks for it. */
  readonly visualGain: VisualGain | null;
  readonly rollout: Rollout;
  readonly examples: ExampleSource<PromptExample>;
  /** Another set to evaluate on; null holds some of the examples out. */
  readonly heldOut: ExampleSource<HeldOutExample> | null;
  readonly figures: AnswerFigures;
  readonly scoring: Scoring;
  /** Further metrics of a step's completions. */
  readonly observe: (groups: readonly CandidateGroup[]) => Readonly<Record<string, number>>;
}

/** One micro-batch with its loss. */
interface LossBatch extends MicroBatch {
  readonly loss: GrpoLoss;
}

/** See the head of the file. */
export class GrpoTrainer implements Trainer {
  readonly maxSteps: number;
  /** See {@link Trainer.evaluate}. */
  readonly evaluate: Trainer['evaluate'];
  /** How the examples are divided. */
  readonly split: ExampleSplit;
  readonly #parts: GrpoParts;
  readonly #common: CommonSettings;
  readonly #settings: GrpoSettings;
  readonly #train: readonly number[] | null;
  readonly #order: ExampleOrder;
  #step: number;

  /** @param start checkpoint to go on from, or null; the policy holds its values already */
  constructor(
    parts: GrpoParts,
    common: CommonSettings,
    settings: GrpoSettings,
    start: TrainerCheckpoint | null,
  ) {
    if (settings.beta > 0 !== (parts.reference !== null))
      throw new ArgumentError('A KL term needs a reference, and only then there is one.');
    this.#parts = parts;
    this.#common = common;
    this.#settings = settings;
    this.maxSteps = common.maxSteps;
    const { count } = parts.examples;
    const batchSize = settings.promptsPerStep;
    this.split = exampleSplit(count, { ...common, batchSize, numTrainEpochs: 0 }, parts.heldOut !== null);
    checkSplit(count, this.split);
    const { held, train } = dealQuestions(count, this.split.heldOut, common.seed);
    this.#train = train;
    this.#order = new ExampleOrder(this.split.train, common.seed);
    const { maxCompletionLength } = settings;
    const all = { answered: Number.POSITIVE_INFINITY, maxCompletionLength };
    const evaluation = evaluationOf(parts, held, common, all);
    this.#step = start?.step ?? 0;
    this.evaluate = evaluation && ((hooks) => evaluation.run(this.#step, hooks));
  }

  get step(): number {
    return this.#step;
  }

  /** See {@link Trainer.runStep}. */
  async runStep(hooks: StepHooks): Promise<StepOutcome> {
    const began = performance.now();
    const { promptsPerStep, beta } = this.#settings;
    const train = this.#train;
    const drawn = this.#order.positions(this.#step, promptsPerStep);
    const positions = train === null ? drawn : drawn.map((at) => itemAt(train, at));
    const examples = await Promise.all(positions.map((position) => this.#parts.examples.read(position)));
    const groups = await this.#sample(examples, hooks);
    const learningRate = learningRateAt(this.#step, { ...this.#common.optim, maxSteps: this.maxSteps });
    const totals = new UpdateMetrics();
    const result = await this.#update(groups, learningRate, totals, hooks);
    this.#step++;
    const metrics = {
      ...rolloutMetrics(groups),
      ...this.#parts.observe(groups),
      ...totals.read(beta > 0),
      learning_rate: learningRate,
      grad_norm: result.gradNorm,
      step_time: (performance.now() - began) / 1000,
    };
    return { step: this.#step, metrics, groups: groups.map(scoredGroup), finite: result.finite };
  }

  /** See {@link Trainer.checkpoint}. */
  checkpoint(): Promise<TrainerCheckpoint> {
    return this.#parts.policy.checkpoint(this.#step);
  }

  /** See {@link Trainer.destroy}. */
  destroy(): void {
    this.#parts.memory.destroy();
  }

  async #sample(examples: readonly PromptExample[], hooks: StepHooks): Promise<CandidateGroup[]> {
    const { numGenerations, temperature, topP, maxCompletionLength } = this.#settings;
    hooks.onPhase?.('sampling', 0);
    const settings = { temperature, topP, maxCompletionLength, capture: true, seed: this.#common.seed };
    const answers = await this.#parts.rollout.sample(
      examples,
      numGenerations,
      { ...settings, step: this.#step },
      hooks,
    );
    const { scoring } = this.#parts;
    const groups: CandidateGroup[] = [];
    if (scoring.custom || this.#parts.visualGain) hooks.onPhase?.('scoring', null);
    const gains = await this.#visualGains(examples, answers, hooks);
    for (const [index, example] of examples.entries()) {
      hooks.signal?.throwIfAborted();
      const visualGains = gains?.[index] ?? null;
      const group = readGroup({ example, answers: itemAt(answers, index), visualGains }, scoring);
      groups.push(scoreGroup(group, scoring, await customOutcomes(group, scoring)));
    }
    return groups;
  }

  async #visualGains(
    examples: readonly PromptExample[],
    answers: readonly (readonly GeneratedAnswer[])[],
    hooks: StepHooks,
  ): Promise<(readonly Float32Array[] | null)[] | null> {
    const { visualGain, policy } = this.#parts;
    if (visualGain === null) return null;
    const groups = examples.map(({ prompt }, index) => {
      return { prompt, completions: itemAt(answers, index).map(({ ids }) => ids) };
    });
    return visualGain.of(groups, policy, hooks);
  }

  /**
   * All iterations over one batch. Moments are corrected by the number of steps, those without an update included.
   */
  async #update(
    groups: readonly CandidateGroup[],
    learningRate: number,
    totals: UpdateMetrics,
    hooks: StepHooks,
  ): Promise<UpdateResult> {
    const { policy } = this.#parts;
    const { numIterations } = this.#settings;
    if (groups.every(({ dropped }) => dropped !== null)) return { gradNorm: 0, finite: true };
    const before = numIterations > 1 ? await policy.checkpoint(this.#step) : null;
    let result: UpdateResult = { gradNorm: 0, finite: true };
    try {
      const batches = await this.#lossBatches(groups, hooks);
      for (let iteration = 0; iteration < numIterations; iteration++) {
        const step = this.#step * numIterations + iteration + 1;
        for (const [index, batch] of batches.entries()) {
          hooks.onPhase?.('updating', (iteration + index / batches.length) / numIterations);
          const scores = await policy.accumulate(batch, batch.loss, step, hooks);
          totals.add(batch.loss.weights, scores.terms, scores.entropy);
        }
        hooks.signal?.throwIfAborted();
        result = await policy.update(this.#common.optim, learningRate, step);
        totals.endUpdate();
        if (result.finite) continue;
        // Nothing of the step stays, what earlier iterations did included.
        if (before) policy.restore(before);
        break;
      }
    } catch (error) {
      policy.discard();
      if (before) policy.restore(before);
      throw error;
    }
    return result;
  }

  /**
   * Packs the completions and writes weights, advantages and, where needed, old and reference log-probabilities.
   * Masked completions add nothing to the loss, but they count in its normalisers, as TRL's do.
   */
  async #lossBatches(groups: readonly CandidateGroup[], hooks: StepHooks): Promise<LossBatch[]> {
    const { policy, reference } = this.#parts;
    const { lossType: type, maxCompletionLength, epsilon, epsilonHigh, beta, numIterations } = this.#settings;
    const members = new Map<CompletionGroup, readonly Candidate[]>();
    for (const group of groups.filter(({ dropped }) => dropped === null)) {
      const candidates = unmasked(group, this.#settings);
      const completions = candidates.map(({ answer }) => answer.ids);
      members.set({ prompt: group.example.prompt, completions }, candidates);
    }
    const micros = policy.microBatches([...members.keys()], this.#common.tokensPerMicroBatch);
    const counted = groups.flatMap(({ dropped, candidates }) => (dropped === 'uniform' ? [] : candidates));
    const step = {
      type,
      maxCompletionLength,
      stepCompletions: counted.length,
      stepTokens: counted.reduce((sum, { answer }) => sum + answer.ids.length, 0),
      microBatches: micros.length,
    };
    const batches: LossBatch[] = [];
    for (const micro of micros) {
      const own = micro.groups.flatMap((group) => defined(members.get(group), 'the candidates of a group'));
      const lengths = own.map(({ answer }) => answer.ids.length);
      const advantages = own.map(({ scored }) => scored.advantage);
      const old = numIterations > 1 ? await policy.score(micro, hooks) : null;
      const base = reference === null ? null : await policy.score(micro, hooks, reference);
      const loss: GrpoLoss = {
        objective: 'grpo',
        weights: perToken(tokenWeights(lengths, step), lengths),
        advantages: perToken(advantages, lengths),
        oldLogp: old?.logp ?? null,
        refLogp: base?.logp ?? null,
        ...{ epsilonLow: epsilon, epsilonHigh, beta },
      };
      batches.push({ ...micro, loss });
    }
    return batches;
  }
}

/** Repeats each completion's value for each of its tokens. */
function perToken(values: ArrayLike<number>, lengths: readonly number[]): Float32Array {
  return Float32Array.from(
    lengths.flatMap((length, index) => Array<number>(length).fill(itemAt(values, index))),
  );
}
