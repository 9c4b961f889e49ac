// In what plans differ: settings as their controls show them, and what a plan begins from.
import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../../src/state/train_presets';
import { differingRows } from '../../../src/ui/train/plan_differences';

const PLAN = PRESETS['grpo-quick'];
const NAMES = {
  models: [{ id: 'pocket', label: 'Pocket' }],
  adapters: [{ id: 'a', name: 'First' }],
  datasets: [{ id: 'd', name: 'Sheets' }],
};

describe('differingRows', () => {
  it('has each setting in which any plan is unlike the first, with the values of all', () => {
    const plans = [PLAN, { ...PLAN, name: 'x', maxSteps: 7 }, { ...PLAN, seed: 3 }];
    expect(differingRows(plans, NAMES).map(({ label, values }) => [label, ...values])).toEqual([
      ['Steps', String(PLAN.maxSteps), '7', String(PLAN.maxSteps)],
      ['Seed', String(PLAN.seed), String(PLAN.seed), '3'],
    ]);
    expect(differingRows([PLAN], NAMES)).toEqual([]);
    expect(differingRows([], NAMES)).toEqual([]);
  });

  it('names model, questions and adapter', () => {
    const other = {
      ...PLAN,
      modelId: 'big',
      adapterId: 'a',
      source: { kind: 'dataset', datasetId: 'd' },
    } as const;
    const rows = differingRows([PLAN, other, { ...other, adapterId: 'b' }], NAMES);
    expect(rows.slice(0, 3).map(({ label, values }) => [label, ...values])).toEqual([
      ['Base model', 'Pocket', 'big', 'big'],
      ['Questions from', 'Built-in world of sheets and photographs', 'Sheets', 'Sheets'],
      ['Adapter', 'Begin a new one', 'First', 'An adapter that is gone'],
    ]);
  });

  it('has a dash where a setting has no effect', () => {
    const rows = differingRows([PRESETS['sft-quick'], PLAN], NAMES);
    const dashed =
      rows.find(({ id }) => id === 'sft.batchSize') ?? rows.find(({ id }) => id.startsWith('grpo.'));
    expect(dashed?.values).toContain('–');
  });
});
