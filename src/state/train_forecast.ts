// Asks the engine what a plan would need before it is started: its memory, by a trial allocation, whenever the plan changes,
// unless it has problems or the device is busy with a run.

import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { TrainingCommands, TrainingEstimate, TrainingPlan } from '../worker/protocol/training';
import { coalesced } from './coalesced';
import type { PlanWords } from './plan_words';
import type { TrainPlan } from './train_plan';

/** The memory of the present plan: `estimate` of the plan before stays while a new one is asked for. */
export interface EstimateView {
  readonly estimate: TrainingEstimate | null;
  readonly error: PlainError | null;
  readonly asking: boolean;
}

/** What is known of a plan before it is started. */
export interface TrainForecast {
  readonly estimate: ReadonlySignal<EstimateView>;
  /** Which words of the plan's dataset the loaded model does not know. */
  readonly words: ReadonlySignal<PlanWords>;
}

/** The memory of a plan, and when what was asked last is there. */
export interface PlanEstimate {
  readonly estimate: ReadonlySignal<EstimateView>;
  /** Settles when the estimate that was last asked for is there. */
  measured(): Promise<void>;
}

/** @param able false while the engine cannot be asked */
export function createPlanEstimate(
  client: Pick<TrainingCommands, 'estimateTraining'>,
  { plan, problems }: Pick<TrainPlan, 'plan' | 'problems'>,
  able: ReadonlySignal<boolean>,
): PlanEstimate {
  const view = signal<EstimateView>({ estimate: null, error: null, asking: false });
  /** Plan of the last estimate that was given. */
  let estimated: TrainingPlan | null = null;
  let measuring = Promise.resolve();
  const ask = coalesced(async () => {
    const asked = plan.peek();
    if (asked === estimated) return;
    view.value = { ...view.peek(), asking: true, error: null };
    try {
      const estimate = await client.estimateTraining(asked);
      estimated = asked;
      view.value = { estimate, error: null, asking: false };
    } catch (thrown) {
      view.value = { estimate: null, error: plainError(thrown), asking: false };
    }
  });
  effect(() => {
    if (able.value && problems.value.length === 0 && plan.value) measuring = ask();
  });
  return { estimate: view, measured: () => measuring };
}
