// The edited plan as text: it comes back as it was, setting by setting, whatever else lies in the storage.
import { describe, expect, it } from 'vitest';
import { keptText, readKeptPlan } from '../../src/state/kept_plan';
import { writeField } from '../../src/state/train_form';
import { PRESETS } from '../../src/state/train_presets';

const QUICK = PRESETS['sft-quick'];
const FIRST = 'sft-quick';
const EDITED = writeField(writeField(QUICK, 'maxSteps', 7), 'optim.learningRate', 0.5);

describe('readKeptPlan', () => {
  it('reads what was kept', () => {
    const kept = { preset: 'sft-quick' as const, plan: EDITED };
    expect(readKeptPlan(keptText(kept), FIRST)).toEqual(kept);
    const dataset = { ...EDITED, source: { kind: 'dataset', datasetId: 'd' } as const, adapterId: 'a' };
    const taken = { preset: null, plan: dataset };
    expect(readKeptPlan(keptText(taken), FIRST)).toEqual(taken);
  });

  it('falls back to the preset where a setting is unknown or cannot be used', () => {
    const broken = {
      ...EDITED,
      seed: -1,
      mode: 'loud',
      future: 1,
      sft: { ...EDITED.sft, batchSize: Number.NaN },
    };
    const text = JSON.stringify({ preset: 'sft-quick', plan: broken });
    expect(readKeptPlan(text, FIRST)?.plan).toEqual(EDITED);
    const { grpo: _, ...without } = EDITED;
    expect(readKeptPlan(JSON.stringify({ preset: 'gone', plan: without }), FIRST)).toEqual({
      preset: null,
      plan: EDITED,
    });
  });

  it.each([null, '', '{', '[]', '"a"', '{"plan":4}', '{"plan":{"modelId":1,"adapterId":null}}'])(
    'reads nothing from %j',
    (text) => {
      expect(readKeptPlan(text, FIRST)).toBeNull();
    },
  );
});
