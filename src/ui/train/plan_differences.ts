// Says in which settings plans are unlike the first of them, each value as its control shows it: what the list of runs and a
// comparison of runs tell.

import { TRAIN_SETTING_IDS, TRAIN_SETTINGS } from '../../settings/train_settings';
import { differences, fieldApplies, readField } from '../../state/train_form';
import type { TrainingPlan } from '../../worker/protocol/training';
import { settingText, TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.plan;

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Names of what plans refer to by id. */
export interface PlanNames {
  readonly models: readonly { readonly id: string; readonly label: string }[];
  readonly adapters: readonly Named[];
  readonly datasets: readonly Named[];
}

/** A setting in which the plans differ. */
export interface DifferingRow {
  readonly id: string;
  readonly label: string;
  /** Of each plan; a dash where the setting has no effect. */
  readonly values: readonly string[];
}

const nameOf = (found: readonly Named[], id: string, gone: string) =>
  found.find((one) => one.id === id)?.name ?? gone;

/** What a plan begins from: model, questions and adapter, which are no settings but choices among what is there. */
function beginnings(plans: readonly TrainingPlan[], names: PlanNames): readonly DifferingRow[] {
  const adapter = ({ adapterId }: TrainingPlan) =>
    adapterId === null ? WORDS.newAdapter : nameOf(names.adapters, adapterId, WORDS.missingAdapter);
  const source = ({ source: from }: TrainingPlan) =>
    from.kind === 'dataset' ? nameOf(names.datasets, from.datasetId, WORDS.missingDataset) : WORDS.world;
  const evaluated = ({ evalDatasetId }: TrainingPlan) =>
    evalDatasetId === null
      ? WORDS.evaluateHeldOut
      : nameOf(names.datasets, evalDatasetId, WORDS.missingDataset);
  const model = ({ modelId }: TrainingPlan) =>
    names.models.find(({ id }) => id === modelId)?.label ?? modelId;
  const idOf = ({ source: from }: TrainingPlan) => (from.kind === 'dataset' ? from.datasetId : '');
  const rows = [
    { id: 'model', label: WORDS.model, text: model, key: ({ modelId }: TrainingPlan) => modelId },
    { id: 'source', label: WORDS.source, text: source, key: idOf },
    {
      ...{ id: 'evaluated', label: WORDS.evaluateOn, text: evaluated },
      key: ({ evalDatasetId }: TrainingPlan) => evalDatasetId,
    },
    { id: 'adapter', label: WORDS.adapter, text: adapter, key: ({ adapterId }: TrainingPlan) => adapterId },
  ];
  return rows
    .filter(({ key }) => new Set(plans.map(key)).size > 1)
    .map(({ id, label, text }) => ({ id, label, values: plans.map(text) }));
}

/** The settings in which any plan is unlike the first, in the order of the form; names are not compared. */
export function differingRows(plans: readonly TrainingPlan[], names: PlanNames): readonly DifferingRow[] {
  const [first, ...others] = plans;
  if (first === undefined) return [];
  const unlike = new Set(others.flatMap((plan) => differences(first, plan)));
  const settings = TRAIN_SETTING_IDS.filter((id) => unlike.has(id)).map((id) => ({
    id,
    label: TRAIN_SETTINGS[id].label,
    values: plans.map((plan) => settingText(id, fieldApplies(plan, id) ? readField(plan, id) : undefined)),
  }));
  return [...beginnings(plans, names), ...settings];
}
