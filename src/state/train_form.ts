// Reads and writes the settings of a training plan by their paths, finds what keeps a plan from being started, and says
// how a plan divides its examples. Types, ranges and words of the settings are those of src/settings.

import { type ExampleSplit, exampleSplit, proposedEvalSize, type SplitSettings } from '../settings/held_out';
import { evaluatesHeldOut } from '../settings/held_out_settings';
import { readerOf, settingAt, withSetting } from '../settings/read_settings';
import { type Fault, faultOf, type SettingValue } from '../settings/setting';
import {
  TRAIN_SETTING_IDS,
  TRAIN_SETTINGS,
  type TrainSettingId,
  trainSettingApplies,
} from '../settings/train_settings';
import type { DatasetSummary } from '../worker/protocol/library';
import type { TrainingPlan } from '../worker/protocol/training';

/** The value of a setting; undefined for one of the built-in world while the plan has a dataset. */
export function readField(plan: TrainingPlan, id: TrainSettingId): SettingValue | undefined {
  return settingAt(plan, id) as SettingValue | undefined;
}

/** A plan with one setting replaced. A setting of the built-in world is kept only by a plan that has it. */
export function writeField(plan: TrainingPlan, id: TrainSettingId, value: SettingValue): TrainingPlan {
  if (id.startsWith('source.') && plan.source.kind !== 'shapes_world') return plan;
  return withSetting(plan, id, value);
}

/** False while the setting has no effect on this plan. */
export function fieldApplies(plan: TrainingPlan, id: TrainSettingId): boolean {
  return trainSettingApplies(id, readerOf(plan));
}

/** What is wrong with a plan; the page has the words. */
export type PlanProblem =
  | { readonly field: TrainSettingId; readonly must: Fault }
  | { readonly field: 'evalSize'; readonly must: 'leave' }
  | { readonly field: 'evalSize'; readonly must: 'count' }
  | { readonly field: 'source' | 'evalDatasetId'; readonly must: 'dataset' | 'responses' | 'rows' };

function problemOf(id: TrainSettingId, plan: TrainingPlan): PlanProblem | null {
  if (!fieldApplies(plan, id)) return null;
  const must = faultOf(TRAIN_SETTINGS[id], readField(plan, id));
  return must === null ? null : { field: id, must };
}

/** What decides how the plan's examples are divided. */
function splitSettings(plan: TrainingPlan): SplitSettings {
  const { sft, grpo } = plan;
  const grpoSteps = { batchSize: grpo.promptsPerStep, numTrainEpochs: 0 };
  return { ...plan, ...(plan.method === 'sft' ? sft : grpoSteps) };
}

/** True when the plan is evaluated on another set than it is trained on. */
function separate(plan: TrainingPlan): boolean {
  return plan.evalDatasetId !== null;
}

/** Examples of a dataset that the plan's method can train on. */
function usable({ method }: TrainingPlan, { rows, withResponse }: DatasetSummary): number {
  return method === 'sft' ? withResponse : rows;
}

/** What is evaluated on must be there; of the built-in world without end, GRPO takes a number and no share. */
function evaluationProblem(plan: TrainingPlan, datasets: readonly DatasetSummary[]): PlanProblem | null {
  if (!evaluatesHeldOut(readerOf(plan))) return null;
  const { evalDatasetId, method, source, evalSize } = plan;
  if (evalDatasetId === null) {
    const endless = method === 'grpo' && source.kind === 'shapes_world';
    return endless && evalSize < 1 ? { field: 'evalSize', must: 'count' } : null;
  }
  const found = datasets.find(({ id }) => id === evalDatasetId);
  if (found === undefined) return { field: 'evalDatasetId', must: 'dataset' };
  return found.rows === 0 ? { field: 'evalDatasetId', must: 'rows' } : null;
}

function datasetOf(plan: TrainingPlan, datasets: readonly DatasetSummary[]): DatasetSummary | undefined {
  const { source } = plan;
  return source.kind === 'dataset' ? datasets.find(({ id }) => id === source.datasetId) : undefined;
}

/** SFT imitates written responses, so its rows need them; GRPO needs questions and answers only. */
function sourceProblem(plan: TrainingPlan, datasets: readonly DatasetSummary[]): PlanProblem | null {
  if (plan.source.kind !== 'dataset') return null;
  const found = datasetOf(plan, datasets);
  if (found === undefined) return { field: 'source', must: 'dataset' };
  if (found.rows === 0) return { field: 'source', must: 'rows' };
  const count = usable(plan, found);
  if (count === 0) return { field: 'source', must: 'responses' };
  // What is held out is not trained on, so some must be left.
  const { train } = exampleSplit(count, splitSettings(plan), separate(plan));
  return train < 1 ? { field: 'evalSize', must: 'leave' } : null;
}

/** Everything that keeps a plan from being started, in the order of the form. */
export function problemsOf(plan: TrainingPlan, datasets: readonly DatasetSummary[]): readonly PlanProblem[] {
  return [
    ...TRAIN_SETTING_IDS.map((id) => problemOf(id, plan)),
    sourceProblem(plan, datasets),
    evaluationProblem(plan, datasets),
  ].filter((problem) => problem !== null);
}

/** How a plan divides its examples. `exact` is false for the world. */
export interface PlanSplit extends ExampleSplit {
  /** Examples; of the built-in world at most so many, as not every scene gives one. */
  readonly count: number;
  readonly exact: boolean;
}

/** See {@link PlanSplit}; null for a dataset that is not there, and for GRPO where nothing is held out. */
export function splitOf(plan: TrainingPlan, datasets: readonly DatasetSummary[]): PlanSplit | null {
  const { source, method } = plan;
  const exact = source.kind === 'dataset';
  const found = datasetOf(plan, datasets);
  const count = source.kind === 'dataset' ? found && usable(plan, found) : source.scenes;
  if (count === undefined || count < 1 || (method === 'grpo' && !exact)) return null;
  const split = exampleSplit(count, splitSettings(plan), separate(plan));
  if (method === 'grpo' && split.heldOut === 0) return null;
  return split.train < 1 || !Number.isFinite(split.epochs) ? null : { ...split, count, exact };
}

/** A preset's plan on another source: of a dataset, a tenth is held out at most. */
export function onSource(
  preset: TrainingPlan,
  source: TrainingPlan['source'],
  datasets: readonly DatasetSummary[],
): TrainingPlan {
  if (source.kind !== 'dataset') return preset;
  const plan: TrainingPlan = { ...preset, source };
  const found = datasetOf(plan, datasets);
  if (found === undefined) return plan;
  return { ...plan, evalSize: proposedEvalSize(usable(plan, found), preset.evalSize) };
}

/** Settings that have an effect and differ between two plans; names are not compared. */
export function differences(from: TrainingPlan, to: TrainingPlan): readonly TrainSettingId[] {
  return TRAIN_SETTING_IDS.filter(
    (id) => id !== 'name' && fieldApplies(to, id) && !Object.is(readField(from, id), readField(to, id)),
  );
}

/**
 * The setting that an advice names, by its path or by the last word of it (`tokensPerMicroBatch`); null when it names
 * none. Words that English has too, such as `seed`, count only as a whole path.
 */
export function fieldOfAdvice(advice: string): TrainSettingId | null {
  const technical = (word: string) => /[A-Z_.]/.test(word.slice(1));
  for (const word of advice.match(/[A-Za-z]\w*(?:\.[A-Za-z]\w*)*/g) ?? []) {
    const last = word.slice(word.lastIndexOf('.') + 1);
    const named =
      TRAIN_SETTING_IDS.find((id) => id === word && technical(word)) ??
      TRAIN_SETTING_IDS.find((id) => technical(last) && (id === last || id.endsWith(`.${last}`)));
    if (named !== undefined) return named;
  }
  return null;
}
