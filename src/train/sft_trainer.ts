// Trains an adapter by supervised fine-tuning: response-only cross-entropy over packed examples of any length. Names
// of metrics are TRL's. A batch's loss is the mean over all its response tokens, however it is cut into
// micro-batches.

import type { GpuScope } from '../gpu/gpu_scope';
import { ArgumentError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { type ExampleSplit, exampleSplit } from '../settings/held_out';
import type { CommonSettings, SftSettings } from '../settings/train_settings';
import { dealExamples, ExampleOrder } from './example_order';
import type { LoraPolicy, MicroBatch, TokenScores } from './policy';
import type { Rollout } from './rollout';
import { learningRateAt } from './schedule';
import type {
  EvaluationSample,
  ExampleSource,
  LabelledExample,
  StepHooks,
  StepOutcome,
  Trainer,
  TrainerCheckpoint,
} from './trainer';

/** What an SFT run is made of. */
export interface SftParts {
  /** Owns the policy, the rollout and what they use, pictures included; freed with the trainer. */
  readonly memory: GpuScope;
  readonly policy: LoraPolicy;
  /** Samples answers at evaluations. */
  readonly rollout: Rollout;
  readonly examples: ExampleSource<LabelledExample>;
}

/** Sums over response tokens. */
interface TokenTotals {
  tokens: number;
  loss: number;
  entropy: number;
  right: number;
}

/** See the head of the file. */
export class SftTrainer implements Trainer {
  readonly maxSteps: number;
  /** How the examples are divided. */
  readonly split: ExampleSplit;
  readonly #parts: SftParts;
  readonly #common: CommonSettings;
  readonly #settings: SftSettings;
  readonly #train: readonly number[];
  readonly #held: readonly number[];
  readonly #order: ExampleOrder;
  #step: number;

  /**
   * @param start checkpoint to go on from, or null; the policy holds its values already
   * @throws ArgumentError when the set is not finite or too small
   */
  constructor(
    parts: SftParts,
    common: CommonSettings,
    settings: SftSettings,
    start: TrainerCheckpoint | null,
  ) {
    const { count } = parts.examples;
    if (!Number.isFinite(count)) throw new ArgumentError('SFT needs a finite set of examples.');
    this.split = exampleSplit(count, settings, common.maxSteps);
    const { heldOut, steps } = this.split;
    if (this.split.train < 1) {
      const message = `The set has ${count} examples; sft.evalSize holds ${heldOut} out for evaluation: none is left to train on.`;
      throw new ArgumentError(message, { count });
    }
    const { held, train } = dealExamples(count, heldOut, common.seed);
    this.#parts = parts;
    this.#common = common;
    this.#settings = settings;
    this.#held = held;
    this.#train = train;
    this.maxSteps = steps;
    this.#order = new ExampleOrder(this.#train.length, common.seed);
    this.#step = start?.step ?? 0;
  }

  get step(): number {
    return this.#step;
  }

  /** See {@link Trainer.runStep}. */
  async runStep(hooks: StepHooks): Promise<StepOutcome> {
    const began = performance.now();
    const { policy } = this.#parts;
    const { batchSize } = this.#settings;
    const batch = await this.#read(
      this.#order.positions(this.#step, batchSize).map((at) => itemAt(this.#train, at)),
    );
    const micros = policy.microBatches(batch.map(groupOf), this.#common.tokensPerMicroBatch);
    const tokens = micros.reduce((sum, { packed }) => sum + packed.rows, 0);
    const totals: TokenTotals = { tokens: 0, loss: 0, entropy: 0, right: 0 };
    const learningRate = learningRateAt(this.#step, { ...this.#common.optim, maxSteps: this.maxSteps });
    try {
      for (const [index, micro] of micros.entries()) {
        hooks.onPhase?.('updating', index / micros.length);
        const weights = new Float32Array(micro.packed.rows).fill(-1 / tokens);
        const loss = { objective: 'sft', weights } as const;
        add(totals, micro, await policy.accumulate(micro, loss, this.#step + 1, hooks));
      }
      hooks.signal?.throwIfAborted();
    } catch (error) {
      policy.discard();
      throw error;
    }
    const { gradNorm, finite } = await policy.update(this.#common.optim, learningRate, this.#step + 1);
    this.#step++;
    const metrics: Record<string, number> = {
      loss: totals.loss / totals.tokens,
      mean_token_accuracy: totals.right / totals.tokens,
      entropy: totals.entropy / totals.tokens,
      learning_rate: learningRate,
      grad_norm: gradNorm,
      step_tokens: totals.tokens,
      epoch: (this.#step * batchSize) / this.#train.length,
    };
    const { evalSteps } = this.#settings;
    const due = evalSteps > 0 && (this.#step % evalSteps === 0 || this.#step === this.maxSteps);
    const samples = due ? await this.#evaluate(metrics, hooks) : undefined;
    metrics.step_time = (performance.now() - began) / 1000;
    const outcome = { step: this.#step, metrics, finite };
    return samples === undefined ? outcome : { ...outcome, samples };
  }

  /** See {@link Trainer.checkpoint}. */
  checkpoint(): Promise<TrainerCheckpoint> {
    return this.#parts.policy.checkpoint(this.#step);
  }

  /** See {@link Trainer.destroy}. */
  destroy(): void {
    this.#parts.memory.destroy();
  }

  #read(positions: readonly number[]): Promise<LabelledExample[]> {
    return Promise.all(positions.map((position) => this.#parts.examples.read(position)));
  }

  /** The step is done by now: an abort leaves the evaluation out rather than the step undone. */
  async #evaluate(
    metrics: Record<string, number>,
    hooks: StepHooks,
  ): Promise<EvaluationSample[] | undefined> {
    try {
      const held = await this.#read(this.#held);
      const totals: TokenTotals = { tokens: 0, loss: 0, entropy: 0, right: 0 };
      const micros =
        held.length > 0
          ? this.#parts.policy.microBatches(held.map(groupOf), this.#common.tokensPerMicroBatch)
          : [];
      for (const [index, micro] of micros.entries()) {
        hooks.onPhase?.('evaluating', index / micros.length);
        add(totals, micro, await this.#parts.policy.score(micro, hooks));
      }
      if (totals.tokens > 0) {
        metrics.eval_loss = totals.loss / totals.tokens;
        metrics.eval_mean_token_accuracy = totals.right / totals.tokens;
      }
      return await this.#sample(held.slice(0, this.#settings.evalSamples), hooks);
    } catch (error) {
      if (hooks.signal?.aborted) return undefined;
      throw error;
    }
  }

  async #sample(examples: readonly LabelledExample[], hooks: StepHooks): Promise<EvaluationSample[]> {
    if (examples.length === 0) return [];
    hooks.onPhase?.('sampling', 0);
    const { rollout } = this.#parts;
    const { maxCompletionLength } = this.#settings;
    const longest = Math.max(...examples.map(({ prompt }) => prompt.inputIds.length));
    const settings = {
      temperature: 0,
      topP: 1,
      maxCompletionLength: Math.min(maxCompletionLength, rollout.maxTokens - longest),
      capture: false,
      seed: this.#common.seed,
      step: this.#step,
    };
    const answers = await rollout.sample(examples, 1, settings, hooks);
    return examples.map(({ key, question, expected }, index) => ({
      key,
      question,
      expected,
      text: itemAt(itemAt(answers, index), 0).text,
    }));
  }
}

function groupOf({ prompt, completion }: LabelledExample) {
  return { prompt, completions: [completion] };
}

function add(totals: TokenTotals, { groups }: MicroBatch, scores: TokenScores): void {
  const labels = groups.flatMap(({ completions }) => completions.flat());
  scores.logp.forEach((logp, index) => {
    totals.tokens++;
    totals.loss -= logp;
    totals.entropy += itemAt(scores.entropy, index);
    if (scores.argmax[index] === labels[index]) totals.right++;
  });
}
