// Reduces the events of one run to what it has shown so far (metrics by step, sampled groups, evaluated answers) and
// reads them shortly. Steps are strictly increasing; a step that comes again, after going back to a checkpoint,
// replaces what was recorded from it on.

import type { EngineEvent } from '../worker/protocol/messages';
import type {
  RunDetail,
  SampleFact,
  StepGroups,
  StepMetrics,
  TrainingStatus,
} from '../worker/protocol/training';

import { isLive } from './session';

/** Answers of one evaluation. */
export interface Evaluation {
  readonly step: number;
  readonly samples: readonly SampleFact[];
}

/** The run as the page draws it. */
export interface ShownRun {
  readonly runId: string;
  readonly metrics: readonly StepMetrics[];
  readonly evaluations: readonly Evaluation[];
  /** Of the newest step that has some. */
  readonly groups: StepGroups | null;
  /** Steps whose groups can be read, ascending. */
  readonly groupSteps: readonly number[];
}

/** The record of a run that was read from the store. */
export function shownRunOf(detail: RunDetail): ShownRun {
  const { summary, metrics, samples, groups, groupSteps } = detail;
  return { runId: summary.id, metrics, evaluations: samples, groups, groupSteps };
}

/** Appends by step; what had the same or a later step goes. */
function put<T extends { readonly step: number }>(list: readonly T[], item: T): readonly T[] {
  let keep = list.length;
  while (keep > 0 && (list[keep - 1]?.step ?? 0) >= item.step) keep -= 1;
  return [...(keep === list.length ? list : list.slice(0, keep)), item];
}

/** Takes steps that arrived together, so that a batch copies the metrics once. */
function putSteps(list: readonly StepMetrics[], steps: readonly StepMetrics[]): readonly StepMetrics[] {
  const first = steps[0];
  if (first === undefined) return list;
  let keep = list.length;
  while (keep > 0 && (list[keep - 1]?.step ?? 0) >= first.step) keep -= 1;
  const joined = list.slice(0, keep);
  for (const step of steps) {
    while ((joined.at(-1)?.step ?? -1) >= step.step) joined.pop();
    joined.push(step);
  }
  return joined;
}

/** The metrics of a step with those of its evaluation. */
function withEvaluation(own: StepMetrics | undefined, { step, values }: StepMetrics): StepMetrics {
  return { step, values: own?.step === step ? { ...own.values, ...values } : values };
}

/** The record after a batch of events; those of other runs change nothing. */
export function reduceShownRun(record: ShownRun, events: readonly EngineEvent[]): ShownRun {
  let { evaluations, groups, groupSteps } = record;
  const steps: StepMetrics[] = [];
  for (const event of events) {
    if (!('runId' in event) || event.runId !== record.runId) continue;
    if (event.type === 'trainingStepped') {
      const { step } = event.metrics;
      steps.push(event.metrics);
      // After going back to a checkpoint, what a later step showed never was.
      if ((evaluations.at(-1)?.step ?? -1) >= step)
        evaluations = evaluations.filter((one) => one.step < step);
      if (groups !== null && groups.step > step) groups = null;
      if ((groupSteps.at(-1) ?? -1) > step) groupSteps = groupSteps.filter((one) => one <= step);
    } else if (event.type === 'groupsSampled') {
      groups = { step: event.step, groups: event.groups };
      groupSteps = [...groupSteps.filter((one) => one < event.step), event.step];
    }
    if (event.type === 'evaluated') {
      const { step } = event.metrics;
      if (event.samples.length > 0) evaluations = put(evaluations, { step, samples: event.samples });
      steps.push(withEvaluation(steps.at(-1) ?? record.metrics.at(-1), event.metrics));
    }
  }
  const metrics = putSteps(record.metrics, steps);
  if (metrics === record.metrics && evaluations === record.evaluations && groups === record.groups) {
    return record;
  }
  return { runId: record.runId, metrics, evaluations, groups, groupSteps };
}

/** Mean of the last `count` recorded values of a metric; null when there is none. */
export function recentMean(metrics: readonly StepMetrics[], name: string, count: number): number | null {
  const values = metrics
    .slice(-count)
    .flatMap(({ values: { [name]: value } }) => value ?? [])
    .filter(Number.isFinite);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Seconds to the last step at the pace measured; null before the first step and outside a run. */
export function secondsLeft(status: TrainingStatus): number | null {
  if (status.secondsPerStep === null || !isLive(status.state)) return null;
  return Math.max(0, status.maxSteps - status.step) * status.secondsPerStep;
}

/** Signs of a run that learns nothing, or learns the wrong thing; the page has the words. */
export type RunAlert = 'no-signal' | 'cut-off' | 'empty-backs' | 'kl';

const WINDOW = 5;
const ALERTS: readonly (readonly [alert: RunAlert, metric: string, above: number])[] = [
  ['no-signal', 'frac_reward_zero_std', 0.8],
  ['cut-off', 'completions/clipped_ratio', 0.5],
  ['empty-backs', 'look_back/empty_back_rate', 0.1],
  ['kl', 'kl', 1],
];

/** Alerts from the mean of the last five steps; none before there are five. */
export function alertsOf(metrics: readonly StepMetrics[]): readonly RunAlert[] {
  if (metrics.length < WINDOW) return [];
  return ALERTS.filter(([, metric, above]) => (recentMean(metrics, metric, WINDOW) ?? 0) > above).map(
    ([alert]) => alert,
  );
}
