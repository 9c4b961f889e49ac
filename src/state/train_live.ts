// Follows the run that this page's engine works on, and what of it is worth telling someone who does not look: never a
// step, always a change of state or an evaluation.

import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { PlainError } from '../lib/plain_error';
import type { RunState, StepMetrics, TrainingStatus } from '../worker/protocol/training';
import { isLive } from './session';
import type { StoredLists } from './train_stored';

/** What is worth telling. */
export type TrainNews =
  | { readonly kind: 'state'; readonly state: RunState; readonly step: number; readonly of: number }
  | { readonly kind: 'evaluated'; readonly step: number; readonly correct: number; readonly of: number }
  | { readonly kind: 'saved'; readonly name: string }
  | { readonly kind: 'deleted'; readonly bytes: number };

/** The engine's run. */
export interface LiveRun {
  /** What the engine last said about its run, which may be over. */
  readonly status: ReadonlySignal<TrainingStatus | null>;
  /** True while this page's engine works on a run. */
  readonly live: ReadonlySignal<boolean>;
  readonly news: ReadonlySignal<TrainNews | null>;
}

/** The engine's run, and how it hears of it. */
export interface LiveRunTold extends LiveRun {
  /** @returns false when the run is not listed yet */
  takeStatus(status: TrainingStatus): boolean;
  takeEvaluation(metrics: StepMetrics): void;
  /** The Worker died: what it was doing goes on from the last checkpoint, once there is an engine again. */
  takeCrash(error: PlainError): void;
  tell(news: TrainNews): void;
}

/** Nothing is under way at first. */
export function createLiveRun(stored: Pick<StoredLists, 'runs' | 'changeRun'>): LiveRunTold {
  const status = signal<TrainingStatus | null>(null);
  const news = signal<TrainNews | null>(null);
  const takeStatus = (next: TrainingStatus): boolean => {
    const before = status.value;
    status.value = next;
    const { runId, state, step, maxSteps, reason } = next;
    if (before?.runId !== runId || before.state !== state)
      news.value = { kind: 'state', state, step, of: maxSteps };
    const run = stored.runs.value.find(({ id }) => id === runId);
    if (run === undefined) return false;
    const same = run.state === state && run.step === step && run.reason === reason;
    if (!same) stored.changeRun(runId, { state, step, reason });
    return true;
  };
  return {
    ...{ status, news, takeStatus },
    live: computed(() => status.value !== null && isLive(status.value.state)),
    takeEvaluation: ({ step, values }) => {
      const of = values.eval_answers ?? 0;
      const correct = Math.round((values.eval_accuracy ?? 0) * of);
      if (of > 0) news.value = { kind: 'evaluated', step, correct, of };
    },
    takeCrash: (error) => {
      const now = status.value;
      if (now !== null && isLive(now.state) && error.code.startsWith('worker/'))
        takeStatus({ ...now, state: 'paused', phase: '', fraction: null, reason: error });
    },
    tell: (told) => {
      news.value = told;
    },
  };
}
