// Holds the plan that is being edited: the preset that it began as, its settings, its model, adapter and questions, and what
// keeps it from being started. Edits survive a reload of the page.

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { SettingValue } from '../settings/setting';
import type { PresetId } from '../settings/train_presets';
import type { TrainSettingId } from '../settings/train_settings';
import type { TrainingPlan } from '../worker/protocol/training';
import { type KeptText, keptText, readKeptPlan } from './kept_plan';
import {
  differences,
  onSource,
  type PlanProblem,
  type PlanSplit,
  problemsOf,
  readField,
  splitOf,
  writeField,
} from './train_form';
import { PRESETS } from './train_presets';
import type { TrainStored } from './train_stored';

/** The plan and its edits. */
export interface TrainPlan {
  readonly plan: ReadonlySignal<TrainingPlan>;
  /** The preset that the plan began as; null after a run's plan was taken over. */
  readonly preset: ReadonlySignal<PresetId | null>;
  /** Fields in which the plan differs from its preset. */
  readonly changes: ReadonlySignal<readonly TrainSettingId[]>;
  readonly problems: ReadonlySignal<readonly PlanProblem[]>;
  /** How the examples would be divided; null where that is not known or not asked. */
  readonly split: ReadonlySignal<PlanSplit | null>;
  choosePreset(id: PresetId): void;
  /** Takes over the plan of a run, to change something and start again. */
  copyPlan(plan: TrainingPlan): void;
  setField(id: TrainSettingId, value: SettingValue): void;
  resetField(id: TrainSettingId): void;
  chooseModel(id: string): void;
  /** Null begins a new adapter. */
  chooseAdapter(id: string | null): void;
  /** Null is the built-in world. */
  chooseDataset(id: string | null): void;
  /** Null holds examples out of those that are trained on. */
  chooseEvalDataset(id: string | null): void;
}

const FIRST: PresetId = 'sft-quick';

type Lists = Pick<TrainStored, 'adapters' | 'datasets'>;

/** The newest adapter that SFT made for a model: what GRPO best begins with. */
function adapterForGrpo({ adapters }: Lists, modelId: string): string | null {
  const made = adapters.value.filter((one) => one.modelId === modelId && one.run?.method === 'sft');
  return made.sort((a, b) => b.createdAt - a.createdAt)[0]?.id ?? null;
}

/**
 * The plan as it was kept, or else the first preset.
 * @param kept where the edited plan survives a reload; null keeps nothing
 */
export function createTrainPlan(stored: Lists, kept: KeptText | null): TrainPlan {
  const edited = readKeptPlan(kept?.read() ?? null, FIRST) ?? { plan: PRESETS[FIRST], preset: FIRST };
  const plan = signal<TrainingPlan>(edited.plan);
  const preset = signal<PresetId | null>(edited.preset);
  /** The plan of the preset, on the source that was chosen. */
  const original = computed(() =>
    onSource(PRESETS[preset.value ?? FIRST], plan.value.source, stored.datasets.value),
  );
  const change = (by: Partial<TrainingPlan>) => {
    plan.value = { ...plan.value, ...by };
  };
  const setField = (id: TrainSettingId, value: SettingValue) => {
    plan.value = writeField(plan.value, id, value);
  };
  effect(() => kept?.write(keptText({ preset: preset.value, plan: plan.value })));
  return {
    ...{ plan, preset, setField },
    changes: computed(() => (preset.value === null ? [] : differences(original.value, plan.value))),
    problems: computed(() => problemsOf(plan.value, stored.datasets.value)),
    split: computed(() => splitOf(plan.value, stored.datasets.value)),
    choosePreset: (id) =>
      batch(() => {
        const chosen = PRESETS[id];
        preset.value = id;
        const adapterId = chosen.method === 'grpo' ? adapterForGrpo(stored, chosen.modelId) : null;
        plan.value = { ...chosen, adapterId };
      }),
    copyPlan: (copied) =>
      batch(() => {
        preset.value = null;
        plan.value = copied;
      }),
    resetField: (id) => {
      const value = readField(original.value, id);
      if (value !== undefined) setField(id, value);
    },
    chooseModel: (modelId) => {
      const adapter = stored.adapters.value.find(({ id }) => id === plan.value.adapterId);
      change({ modelId, adapterId: adapter?.modelId === modelId ? adapter.id : null });
    },
    chooseAdapter: (adapterId) => change({ adapterId }),
    chooseEvalDataset: (evalDatasetId) => change({ evalDatasetId }),
    chooseDataset: (id) => {
      const before = original.value.evalSize;
      const world = PRESETS[preset.value ?? FIRST].source;
      change({ source: id === null ? world : { kind: 'dataset', datasetId: id } });
      // What nobody changed by hand follows the size of the set.
      if (plan.value.evalSize === before) setField('evalSize', original.value.evalSize);
    },
  };
}
