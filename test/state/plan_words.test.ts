// The words of a plan's dataset over a scripted engine: when it is asked, what is shown meanwhile, and late answers.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createPlanWords } from '../../src/state/plan_words';
import { PRESETS } from '../../src/state/train_presets';
import type { DatasetWords } from '../../src/worker/protocol/library';
import type { TrainingPlan } from '../../src/worker/protocol/training';
import { datasetOf, settled } from './train_script';

const FOUND: DatasetWords = {
  warnings: [{ kind: 'unknown words', file: 'd', row: 1, reason: 'zebra' }],
  ...{ more: 0, looked: 3, rows: 3 },
};

function followed(datasetId: string | null = 'd') {
  const source: TrainingPlan['source'] =
    datasetId === null ? PRESETS['sft-quick'].source : { kind: 'dataset', datasetId };
  const plan = signal<TrainingPlan>({ ...PRESETS['sft-quick'], source });
  const datasets = signal([datasetOf('d', 3, 3), datasetOf('e', 4, 4)]);
  const able = signal(true);
  const asked: { id: string; answer: (words: DatasetWords) => void; refuse: () => void }[] = [];
  const checkDatasetWords = (id: string) =>
    new Promise<DatasetWords>((answer, reject) => {
      asked.push({ id, answer, refuse: () => reject({ code: 'data/cancelled', message: '' }) });
    });
  const words = createPlanWords({ checkDatasetWords }, { plan, datasets, able });
  return { plan, datasets, able, asked, words };
}

describe('the words of a plan', () => {
  it('are looked for in a dataset, and not in the built-in world', async () => {
    expect(followed(null).asked).toEqual([]);
    const { asked, words } = followed();
    expect(asked.map(({ id }) => id)).toEqual(['d']);
    expect(words.value).toEqual({ found: null, looking: true });
    asked[0]?.answer(FOUND);
    await settled();
    expect(words.value).toEqual({ found: FOUND, looking: false });
  });

  it('are asked for once, until the dataset grows or another model is planned', async () => {
    const { asked, plan, datasets } = followed();
    plan.value = { ...plan.value, maxSteps: 7 };
    datasets.value = [...datasets.value];
    expect(asked).toHaveLength(1);
    datasets.value = [datasetOf('d', 4, 3)];
    plan.value = { ...plan.value, modelId: 'other' };
    expect(asked.map(({ id }) => id)).toEqual(['d', 'd', 'd']);
  });

  it('are those of the dataset that is chosen now, however late another answer comes', async () => {
    const { asked, plan, words } = followed();
    plan.value = { ...plan.value, source: { kind: 'dataset', datasetId: 'e' } };
    asked[0]?.answer(FOUND);
    await settled();
    expect(words.value).toEqual({ found: null, looking: true });
    asked[1]?.refuse();
    await settled();
    expect(words.value).toEqual({ found: null, looking: false });
  });

  it('are unknown while the model of the plan is not loaded', () => {
    const { able, words, asked } = followed();
    able.value = false;
    expect(words.value).toEqual({ found: null, looking: false });
    able.value = true;
    expect(asked).toHaveLength(2);
  });
});
