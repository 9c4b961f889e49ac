// Drives one trainer: steps, evaluations, checkpoints, pause, stop and single step. The Worker and the command line both
// use it. What it finds goes to a sink; what is checkpointed is the state after a whole, finite step, never half of one
// in flight. An evaluation begins behind a checkpoint of its step: cut short, it is done again, and no step is lost.

import { LookBackError } from '../lib/errors';
import { untilAborted } from '../lib/interruption';
import { bestWords, type Judgement, judgeEvaluations } from '../settings/best_evaluation';
import type { HeldOutPlan } from '../settings/held_out_settings';
import type {
  BestAdapter,
  EvaluationOutcome,
  RunCheckpoint,
  StepHooks,
  StepOutcome,
  Trainer,
  TrainerCheckpoint,
} from './trainer';
import type { LoggedStep } from './training_log';

/** How {@link TrainingLoop.run} ended. */
export type LoopEnd = 'finished' | 'paused' | 'stopped';

/** Where the loop is. */
export interface LoopStatus {
  readonly state: 'running' | 'pausing' | LoopEnd;
  /** Optimiser steps done. */
  readonly step: number;
  readonly maxSteps: number;
  /** What is being done, e.g. `updating`; `waiting` between pieces of work. */
  readonly phase: string;
  /** Share of the phase done, where known. */
  readonly fraction: number | null;
  /** What a step takes on average, see {@link StepPace}; null while that is not known. */
  readonly secondsPerStep: number | null;
  /** Why it paused by itself; null when it was asked to. */
  readonly reason: LookBackError | null;
}

/** Receives what the loop finds, in order; the loop waits for each promise. */
export interface TrainingSink {
  onStatus(status: LoopStatus): void;
  onStep(outcome: StepOutcome): void | Promise<void>;
  /** After the step that it evaluates, once. */
  onEvaluation(outcome: EvaluationOutcome): void | Promise<void>;
  onCheckpoint(checkpoint: RunCheckpoint): void | Promise<void>;
}

/** How a run is evaluated. */
export interface EvaluationOptions
  extends Pick<HeldOutPlan, 'evalSteps' | 'metricForBestModel' | 'earlyStoppingPatience'> {
  /** Evaluations of the run that were recorded before, ascending. */
  readonly earlier: readonly LoggedStep[];
  /** The best adapter that was saved before. */
  readonly best: BestAdapter | null;
}

/** Options of a loop. */
export interface LoopOptions {
  /** Steps between checkpoints; 0 saves only when the loop ends. */
  readonly saveSteps: number;
  readonly evaluation: EvaluationOptions;
  /** Awaited between submits; see `StepHooks.turn`. */
  readonly turn?: () => Promise<void>;
  /** Milliseconds on a clock that never runs backwards. */
  readonly now?: () => number;
}

/** Steps of one kind over which their time is averaged. */
const MEASURED_STEPS = 5;
/** Steps over which the share of those that update is counted. */
const SHARE_STEPS = 20;

/** Metrics of TRL that must stay finite; others may be absent or undefined in a step. */
const MUST_BE_FINITE = ['loss', 'grad_norm'];

/** Runs a trainer's steps one after another. Not re-entrant: one `run` or `stepOnce` at a time. */
export class TrainingLoop {
  readonly #trainer: Trainer;
  readonly #sink: TrainingSink;
  readonly #options: LoopOptions;
  readonly #now: () => number;
  #wish: 'paused' | 'stopped' | null = null;
  #flight: AbortController | undefined;
  #savedStep: number | undefined;
  #evaluations: readonly LoggedStep[];
  #best: BestAdapter | null;
  readonly #pace = new StepPace();
  #status: LoopStatus;

  constructor(trainer: Trainer, sink: TrainingSink, options: LoopOptions) {
    this.#trainer = trainer;
    this.#sink = sink;
    this.#options = options;
    this.#evaluations = options.evaluation.earlier;
    this.#best = options.evaluation.best;
    this.#now = options.now ?? (() => performance.now());
    const { step, maxSteps } = trainer;
    this.#status = {
      ...{ state: 'paused', step, maxSteps, phase: 'waiting', fraction: null },
      ...{ secondsPerStep: null, reason: null },
    };
  }

  /** The newest status. */
  get status(): LoopStatus {
    return this.#status;
  }

  /**
   * Steps until the last one, a wish, or a step that is not finite (`paused`, with `status.reason` of code
   * `train/not-finite`; the last good checkpoint stays), or a user's own reward that went wrong (`paused` and saved, with
   * `status.reason` of a code `reward/…`). An evaluation that is due comes before the next step, also where an earlier
   * life of the run did not finish it. Evaluations that no longer get better end the run early: `finished`, with
   * `status.reason` of code `train/early-stop`.
   * @throws what the trainer or the sink throws, e.g. GpuError when the device is lost; nothing is saved then
   */
  run(): Promise<LoopEnd> {
    return this.#drive(Number.POSITIVE_INFINITY);
  }

  /** One step and a checkpoint; then paused, or finished if it was the last. Throws as {@link TrainingLoop.run}. */
  stepOnce(): Promise<LoopEnd> {
    return this.#drive(1);
  }

  /** Throws the step or the evaluation in flight away; the loop then saves and ends as `paused`. */
  pause(): void {
    this.#ask('paused');
  }

  /** As {@link TrainingLoop.pause}, for good; wins over a pause. */
  stop(): void {
    this.#ask('stopped');
  }

  #ask(wish: 'paused' | 'stopped'): void {
    if (this.#wish !== 'stopped') this.#wish = wish;
    if (this.#status.state === 'running') this.#report({ state: 'pausing' });
    this.#flight?.abort();
  }

  async #drive(limit: number): Promise<LoopEnd> {
    const trainer = this.#trainer;
    this.#report({ state: this.#wish === null ? 'running' : 'pausing', reason: null });
    for (let done = 0; ; done++) {
      if (this.#wish === null) await this.#evaluateIfDue();
      const early = this.#earlyStop();
      if (early !== null) {
        await this.#save();
        return this.#end('finished', early);
      }
      if (done >= limit || trainer.step >= trainer.maxSteps || this.#wish !== null) break;
      const outcome = await this.#step();
      if (outcome instanceof LookBackError) {
        // Nothing of the step is left, and the state before it is sound.
        await this.#save();
        return this.#end('paused', outcome);
      }
      if (outcome === null) break;
      await this.#sink.onStep(outcome);
      const reason = notFinite(outcome);
      if (reason !== null) return this.#end('paused', reason);
      this.#report({ step: trainer.step, phase: 'waiting', fraction: null });
      const { saveSteps } = this.#options;
      if (saveSteps > 0 && trainer.step % saveSteps === 0) await this.#save();
    }
    await this.#save();
    if (trainer.step >= trainer.maxSteps && !this.#evaluationIsDue()) return this.#end('finished', null);
    return this.#end(this.#wish ?? 'paused', null);
  }

  #evaluationIsDue(): boolean {
    const { step, maxSteps, evaluate } = this.#trainer;
    const { evalSteps } = this.#options.evaluation;
    const evaluated = this.#evaluations.at(-1)?.step === step;
    if (evaluate === null || evalSteps === 0 || step === 0 || evaluated) return false;
    return step % evalSteps === 0 || step >= maxSteps;
  }

  /** Evaluates the step that was done last; what a wish cuts short stays due. */
  async #evaluateIfDue(): Promise<void> {
    const { evaluate } = this.#trainer;
    if (evaluate === null) return;
    if (!this.#evaluationIsDue()) return this.#keepBest();
    await this.#save();
    if (this.#wish !== null) return;
    this.#report({ phase: 'evaluating', fraction: null });
    const outcome = await this.#inFlight(evaluate);
    if (outcome === null) return;
    await this.#sink.onEvaluation(outcome);
    this.#evaluations = [...this.#evaluations, { step: outcome.step, values: outcome.metrics }];
    await this.#keepBest();
    this.#report({ phase: 'waiting', fraction: null });
  }

  #judgement(): Judgement {
    return judgeEvaluations(this.#evaluations, this.#options.evaluation.metricForBestModel);
  }

  /** Saves the trainer's state as the best where the evaluation of its step was: now, or in an earlier life of the run. */
  async #keepBest(): Promise<void> {
    const { best } = this.#judgement();
    if (best === null || best.step !== this.#trainer.step || best.step === this.#best?.step) return;
    this.#report({ phase: 'saving', fraction: null });
    const checkpoint = await this.#trainer.checkpoint();
    await this.#keep(checkpoint, { ...best, adapter: checkpoint.adapter });
  }

  /** Why the run ends before its last step; null where it does not. */
  #earlyStop(): LookBackError | null {
    const { earlyStoppingPatience: patience } = this.#options.evaluation;
    const { step, maxSteps } = this.#trainer;
    const { best, since } = this.#judgement();
    if (patience === 0 || best === null || since < patience || step >= maxSteps) return null;
    const message = `Ended early after step ${step} of ${maxSteps}: ${since} ${since === 1 ? 'evaluation' : 'evaluations'} in a row came to nothing better than ${bestWords(best)}.`;
    return new LookBackError('train/early-stop', message, { step, best: best.step });
  }

  /** The next step; null when a wish cut it short, or what a user's own reward did wrong. */
  async #step(): Promise<StepOutcome | LookBackError | null> {
    const began = this.#now();
    try {
      const outcome = await this.#inFlight((hooks) => this.#trainer.runStep(hooks));
      if (outcome !== null) this.#pace.add((this.#now() - began) / 1000, hasUpdated(outcome));
      return outcome;
    } catch (error) {
      if (error instanceof LookBackError && error.code.startsWith('reward/')) return error;
      throw error;
    }
  }

  /** What the trainer's work comes to; null when a wish cut it short. */
  async #inFlight<T>(work: (hooks: StepHooks) => Promise<T>): Promise<T | null> {
    const flight = new AbortController();
    const { signal } = flight;
    this.#flight = flight;
    const { turn } = this.#options;
    try {
      return await work({
        signal,
        onPhase: (phase, fraction) => {
          // Work that was given up may go on talking.
          if (this.#flight === flight && !signal.aborted) this.#report({ phase, fraction });
        },
        ...(turn === undefined ? {} : { turn: () => untilAborted(turn(), signal) }),
      });
    } catch (error) {
      if (signal.aborted && error === signal.reason) return null;
      throw error;
    } finally {
      this.#flight = undefined;
    }
  }

  async #save(): Promise<void> {
    if (this.#savedStep === this.#trainer.step) return;
    this.#report({ phase: 'saving', fraction: null });
    await this.#keep(await this.#trainer.checkpoint(), this.#best);
  }

  async #keep(checkpoint: TrainerCheckpoint, best: BestAdapter | null): Promise<void> {
    await this.#sink.onCheckpoint({ ...checkpoint, best });
    this.#best = best;
    this.#savedStep = checkpoint.step;
  }

  #end(state: LoopEnd, reason: LookBackError | null): LoopEnd {
    this.#wish = null;
    this.#report({ state, phase: 'waiting', fraction: null, reason });
    return state;
  }

  #report(change: Partial<LoopStatus>): void {
    const secondsPerStep = this.#pace.secondsPerStep;
    this.#status = { ...this.#status, ...change, secondsPerStep };
    this.#sink.onStatus(this.#status);
  }
}

/** Whether a step changed the policy: in GRPO one whose groups were all dropped does not. */
function hasUpdated({ groups }: StepOutcome): boolean {
  return groups === undefined || groups.some(({ dropped }) => dropped === null);
}

/**
 * How long the coming steps take on average. Steps that update take longer than steps whose groups were all dropped, so
 * each kind has a mean of its own, and the means are weighted by how often each kind came of late.
 */
export class StepPace {
  #updating: readonly number[] = [];
  #dropped: readonly number[] = [];
  /** Whether each of the last steps updated. */
  #updated: readonly boolean[] = [];

  /** Takes the time of a step in seconds. */
  add(seconds: number, updated: boolean): void {
    if (updated) this.#updating = [...this.#updating, seconds].slice(-MEASURED_STEPS);
    else this.#dropped = [...this.#dropped, seconds].slice(-MEASURED_STEPS);
    this.#updated = [...this.#updated, updated].slice(-SHARE_STEPS);
  }

  /**
   * Seconds of a step on average. Null before the first step, and while fewer than five steps were made of which none
   * updated: how long an update takes is not known then.
   */
  get secondsPerStep(): number | null {
    const { length } = this.#updated;
    if (length === 0 || (this.#updating.length === 0 && length < MEASURED_STEPS)) return null;
    const share = this.#updated.filter((updated) => updated).length / length;
    return share * mean(this.#updating) + (1 - share) * mean(this.#dropped);
  }
}

/** Mean of a list; 0 of an empty one. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** What of a step was not a number; null for a sound step. */
function notFinite({ step, finite, metrics }: StepOutcome): LookBackError | null {
  const broken = MUST_BE_FINITE.filter((name) => name in metrics && !Number.isFinite(metrics[name]));
  if (finite && broken.length === 0) return null;
  const what = broken.length > 0 ? broken.join(' and ') : 'a gradient';
  return new LookBackError(
    'train/not-finite',
    `Step ${step}: ${what} was not a finite number. Go on from the last checkpoint with a lower learning rate, or stop.`,
    { step, metrics: broken },
  );
}
