// Keeps which words of a plan's dataset the loaded model does not know, for the plan to say before Start. The engine looks
// through the dataset whenever dataset, its rows or the model change; what is known of another choice is never shown.

import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { DatasetCommands, DatasetSummary, DatasetWords } from '../worker/protocol/library';
import type { TrainingPlan } from '../worker/protocol/training';

/** What is known of a plan's words. */
export interface PlanWords {
  /** Null while nothing is known: no dataset, no model, or not looked through yet. */
  readonly found: DatasetWords | null;
  /** True while the engine looks through the dataset. */
  readonly looking: boolean;
}

/** What the words depend on. */
export interface PlanWordsInput {
  readonly plan: ReadonlySignal<Pick<TrainingPlan, 'source' | 'modelId'>>;
  readonly datasets: ReadonlySignal<readonly DatasetSummary[]>;
  /** True when the engine can be asked: the page is open, and the plan's model is the loaded one. */
  readonly able: ReadonlySignal<boolean>;
}

const NOTHING: PlanWords = { found: null, looking: false };

/** The dataset of a plan that is stored here; undefined for the built-in world. */
function datasetOf({ plan, datasets }: PlanWordsInput): DatasetSummary | undefined {
  const { source } = plan.value;
  return source.kind === 'dataset' ? datasets.value.find(({ id }) => id === source.datasetId) : undefined;
}

/** Follows a plan. An engine that does not answer leaves nothing known, which keeps no run from starting. */
export function createPlanWords(
  client: Pick<DatasetCommands, 'checkDatasetWords'>,
  input: PlanWordsInput,
): ReadonlySignal<PlanWords> {
  const words = signal(NOTHING);
  // Equal keys ask for the same, so that a list that is fetched again asks for nothing.
  const key = computed(() => {
    const dataset = input.able.value ? datasetOf(input) : undefined;
    return dataset === undefined
      ? null
      : JSON.stringify([dataset.id, dataset.rows, input.plan.value.modelId]);
  });
  const ask = async (asked: string, id: string): Promise<void> => {
    const found = await client.checkDatasetWords(id).catch(() => null);
    if (key.peek() === asked) words.value = { found, looking: false };
  };
  effect(() => {
    const asked = key.value;
    const id = asked === null ? null : (JSON.parse(asked) as [string])[0];
    words.value = id === null ? NOTHING : { found: null, looking: true };
    if (asked !== null && id !== null) void ask(asked, id);
  });
  return words;
}
