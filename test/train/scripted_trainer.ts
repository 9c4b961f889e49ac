// Makes a trainer whose steps a test scripts: outcomes, delays and failures. Its state is one number, so that tests
// see which steps it really made; a step that is aborted or fails changes nothing.

import type {
  EvaluationOutcome,
  StepHooks,
  StepOutcome,
  Trainer,
  TrainerCheckpoint,
} from '../../src/train/trainer';

/** What the trainer does. */
export interface Script {
  maxSteps?: number;
  /** Called in the step, before it is whole. */
  onStep?: (step: number) => unknown;
  outcome?: (step: number) => Partial<StepOutcome>;
  /** Makes the trainer evaluate; called in the midst of an evaluation. */
  onEvaluate?: (step: number) => unknown;
  evaluation?: (step: number) => Partial<EvaluationOutcome>;
  /** Ignores the signal. */
  deaf?: boolean;
}

/** Makes a trainer at a checkpoint, or at step 0. */
export function scriptedTrainer(script: Script = {}, from: TrainerCheckpoint | null = null) {
  let state = from?.adapter[0] ?? 0;
  let step = from?.step ?? 0;
  const evaluates = script.onEvaluate !== undefined || script.evaluation !== undefined;
  const evaluate = async ({ signal, onPhase, turn }: StepHooks): Promise<EvaluationOutcome> => {
    onPhase?.('evaluating', 0);
    await turn?.();
    const aborted = new Promise<never>((_, reject) => {
      if (signal?.aborted) reject(signal.reason);
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    await Promise.race([script.onEvaluate?.(step), aborted]);
    signal?.throwIfAborted();
    const metrics = { eval_accuracy: state / 1009, eval_answers: 4, eval_runtime: 1 };
    return { step, metrics, samples: [], ...script.evaluation?.(step) };
  };
  const trainer = {
    script,
    destroyed: false,
    get step() {
      return step;
    },
    get maxSteps() {
      return script.maxSteps ?? 4;
    },
    async runStep({ signal, onPhase, turn }: StepHooks): Promise<StepOutcome> {
      onPhase?.('sampling', null);
      await turn?.();
      const work = Promise.resolve(script.onStep?.(step + 1));
      const aborted = new Promise<never>((_, reject) => {
        if (script.deaf) return;
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
      await Promise.race([work, aborted]);
      onPhase?.('updating', 0.5);
      if (!script.deaf) signal?.throwIfAborted();
      step++;
      state = (state * 31 + step) % 1009;
      return { step, metrics: { loss: 1 / step, state }, finite: true, ...script.outcome?.(step) };
    },
    evaluate: evaluates ? evaluate : null,
    async checkpoint(): Promise<TrainerCheckpoint> {
      return { step, adapter: Float32Array.of(state), m: new Float32Array(1), v: new Float32Array(1) };
    },
    destroy() {
      this.destroyed = true;
    },
  };
  return trainer satisfies Trainer;
}
