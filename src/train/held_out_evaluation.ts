// Evaluates a policy on examples that it is not trained on: the loss of written answers, and what the policy answers
// by itself, greedily. It draws no random numbers and changes neither adapter nor moments, so that a run trains the same
// weights with evaluations as without.

import type { GeneratedAnswer } from '../generation/generate';
import { itemAt } from '../lib/invariant';
import type { CommonSettings } from '../settings/train_settings';
import { groupOf, TokenTotals } from './labelled_batch';
import type { LoraPolicy } from './policy';
import { GREEDY, type Rollout } from './rollout';
import type { EvaluationOutcome, EvaluationSample, ExampleSource, PromptExample, StepHooks } from './trainer';

/** A question with its answer as the policy gives it. */
export interface AnsweredExample {
  readonly example: PromptExample;
  readonly answer: GeneratedAnswer;
}

/** Figures of greedy answers by name, without the prefix of an evaluation: accuracy with its interval, lengths, looks. */
export type AnswerFigures = (answers: readonly AnsweredExample[]) => Readonly<Record<string, number>>;

/** An example that is evaluated on. */
export interface HeldOutExample extends PromptExample {
  /** Token ids of the written answer with its end token; null where there is none. */
  readonly completion: readonly number[] | null;
}

/** What an evaluation is made of. */
export interface HeldOutParts {
  readonly policy: Pick<LoraPolicy, 'microBatches' | 'score'>;
  readonly rollout: Pick<Rollout, 'sample' | 'maxTokens'>;
  /** A finite set. */
  readonly examples: ExampleSource<HeldOutExample>;
  readonly figures: AnswerFigures;
}

/** How to evaluate. */
export interface HeldOutSettings {
  /** The first so many examples are answered; all are scored for their loss. */
  readonly answered: number;
  /** Examples at once. */
  readonly batch: number;
  readonly maxCompletionLength: number;
  readonly tokensPerMicroBatch: number;
}

/** Answers that an outcome keeps to be read. */
const SHOWN_ANSWERS = 64;

/** Evaluates as often as it is asked. */
export class HeldOutEvaluation {
  readonly #parts: HeldOutParts;
  readonly #settings: HeldOutSettings;

  constructor(parts: HeldOutParts, settings: HeldOutSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * One evaluation of the policy as it is after a step. Metrics have TRL's names with the prefix `eval_`; one without
   * anything to average is absent.
   * @throws the signal's reason when aborted: an evaluation is done again from its beginning
   */
  async run(step: number, hooks: StepHooks): Promise<EvaluationOutcome> {
    const began = performance.now();
    const metrics: Record<string, number> = await this.#loss(hooks);
    const answers = await this.#answer(hooks);
    if (answers.length > 0) {
      for (const [name, value] of Object.entries(this.#parts.figures(answers)))
        metrics[`eval_${name}`] = value;
    }
    metrics.eval_runtime = (performance.now() - began) / 1000;
    return { step, metrics, samples: answers.slice(0, SHOWN_ANSWERS).map(sampleOf) };
  }

  /** Examples [first, first + batch), read when they are needed. */
  #read(first: number, end: number): Promise<HeldOutExample[]> {
    const last = Math.min(end, first + this.#settings.batch);
    const positions = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
    return Promise.all(positions.map((position) => this.#parts.examples.read(position)));
  }

  async #loss(hooks: StepHooks): Promise<Record<string, number>> {
    const { policy, examples } = this.#parts;
    const { batch, tokensPerMicroBatch } = this.#settings;
    const totals = new TokenTotals();
    for (let first = 0; first < examples.count; first += batch) {
      hooks.signal?.throwIfAborted();
      hooks.onPhase?.('evaluating', first / examples.count);
      const written = (await this.#read(first, examples.count)).flatMap(({ completion, ...example }) =>
        completion === null ? [] : [groupOf({ ...example, completion })],
      );
      if (written.length === 0) continue;
      for (const micro of policy.microBatches(written, tokensPerMicroBatch)) {
        totals.add(micro, await policy.score(micro, hooks));
      }
    }
    if (totals.tokens === 0) return {};
    return { eval_loss: totals.meanLoss, eval_mean_token_accuracy: totals.accuracy };
  }

  async #answer(hooks: StepHooks): Promise<AnsweredExample[]> {
    const { rollout, examples } = this.#parts;
    const { batch, maxCompletionLength } = this.#settings;
    const count = Math.min(this.#settings.answered, examples.count);
    const sequences = Math.min(batch, count);
    const answers: AnsweredExample[] = [];
    for (let first = 0; first < count; first += batch) {
      hooks.signal?.throwIfAborted();
      const asked = await this.#read(first, count);
      const longest = Math.max(...asked.map(({ prompt }) => prompt.inputIds.length));
      const settings = {
        ...{ ...GREEDY, seed: 0, step: 0, capture: true, sequences },
        maxCompletionLength: Math.min(maxCompletionLength, rollout.maxTokens - longest),
      };
      const found = await rollout.sample(asked, 1, settings, {
        ...hooks,
        onPhase: (phase, share) => hooks.onPhase?.(phase, (first + asked.length * (share ?? 0)) / count),
      });
      asked.forEach((example, at) => {
        answers.push({ example, answer: itemAt(itemAt(found, at), 0) });
      });
    }
    return answers;
  }
}

function sampleOf({ example: { key, question, expected }, answer }: AnsweredExample): EvaluationSample {
  return { key, question, expected, text: answer.text };
}

/** What a trainer has for its evaluations. */
interface TrainerParts extends Omit<HeldOutParts, 'examples'> {
  readonly examples: ExampleSource<PromptExample & { readonly completion?: readonly number[] }>;
  /** Another set; null where some of the examples are held out. */
  readonly heldOut: ExampleSource<HeldOutExample> | null;
}

/**
 * The evaluation of a run; null where it has none.
 * @param held positions of the examples that are held out; empty where another set is evaluated on
 */
export function evaluationOf(
  parts: TrainerParts,
  held: readonly number[],
  { evalSteps, evalBatchSize, tokensPerMicroBatch }: CommonSettings,
  settings: Pick<HeldOutSettings, 'answered' | 'maxCompletionLength'>,
): HeldOutEvaluation | null {
  const own: ExampleSource<HeldOutExample> = {
    count: held.length,
    read: async (at) => ({ completion: null, ...(await parts.examples.read(itemAt(held, at))) }),
  };
  const examples = parts.heldOut ?? own;
  if (evalSteps === 0 || examples.count === 0) return null;
  return new HeldOutEvaluation(
    { ...parts, examples },
    { ...settings, batch: evalBatchSize, tokensPerMicroBatch },
  );
}
