// Trains an adapter by supervised fine-tuning: response-only cross-entropy over packed examples of any length. Names
// of metrics are TRL's. A batch's loss is the mean over all its response tokens, however it is cut into
// micro-batches.

import type { GpuScope } from '../gpu/gpu_scope';
import { ArgumentError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { type ExampleSplit, exampleSplit } from '../settings/held_out';
import type { CommonSettings, SftSettings } from '../settings/train_settings';
import { checkSplit, dealExamples, ExampleOrder } from './example_order';
import { type AnswerFigures, evaluationOf, type HeldOutExample } from './held_out_evaluation';
import { groupOf, TokenTotals } from './labelled_batch';
import type { LoraPolicy } from './policy';
import type { Rollout } from './rollout';
import { learningRateAt } from './schedule';
import type {
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
  /** Another set to evaluate on; null holds some of the examples out. */
  readonly heldOut: ExampleSource<HeldOutExample> | null;
  readonly figures: AnswerFigures;
}

/** See the head of the file. */
export class SftTrainer implements Trainer {
  readonly maxSteps: number;
  /** See {@link Trainer.evaluate}. */
  readonly evaluate: Trainer['evaluate'];
  /** How the examples are divided. */
  readonly split: ExampleSplit;
  readonly #parts: SftParts;
  readonly #common: CommonSettings;
  readonly #settings: SftSettings;
  readonly #train: readonly number[];
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
    this.split = exampleSplit(count, { ...common, ...settings }, parts.heldOut !== null);
    checkSplit(count, this.split);
    const { heldOut, steps } = this.split;
    const { held, train } = dealExamples(count, heldOut, common.seed);
    const answered = common.evalSamples;
    const { maxCompletionLength } = settings;
    const evaluation = evaluationOf(parts, held, common, { answered, maxCompletionLength });
    this.#parts = parts;
    this.#common = common;
    this.#settings = settings;
    this.#train = train;
    this.maxSteps = steps;
    this.#order = new ExampleOrder(this.#train.length, common.seed);
    this.#step = start?.step ?? 0;
    this.evaluate = evaluation && ((hooks) => evaluation.run(this.#step, hooks));
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
    const totals = new TokenTotals();
    const learningRate = learningRateAt(this.#step, { ...this.#common.optim, maxSteps: this.maxSteps });
    try {
      for (const [index, micro] of micros.entries()) {
        hooks.onPhase?.('updating', index / micros.length);
        const weights = new Float32Array(micro.packed.rows).fill(-1 / tokens);
        const loss = { objective: 'sft', weights } as const;
        totals.add(micro, await policy.accumulate(micro, loss, this.#step + 1, hooks));
      }
      hooks.signal?.throwIfAborted();
    } catch (error) {
      policy.discard();
      throw error;
    }
    const { gradNorm, finite } = await policy.update(this.#common.optim, learningRate, this.#step + 1);
    this.#step++;
    const metrics = {
      loss: totals.meanLoss,
      mean_token_accuracy: totals.accuracy,
      entropy: totals.meanEntropy,
      learning_rate: learningRate,
      grad_norm: gradNorm,
      step_tokens: totals.tokens,
      epoch: (this.#step * batchSize) / this.#train.length,
      step_time: (performance.now() - began) / 1000,
    };
    return { step: this.#step, metrics, finite };
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
}
