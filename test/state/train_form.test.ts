// The form's fields: reading, writing, ranges, and which have an effect; problems and differences of plans.
import { describe, expect, it } from 'vitest';
import {
  differences,
  FIELD_IDS,
  FIELDS,
  type FieldId,
  fieldOfAdvice,
  problemsOf,
} from '../../src/state/train_form';
import { PRESETS } from '../../src/state/train_presets';
import type { TrainingPlan } from '../../src/worker/protocol/training';
import { datasetOf } from './train_script';

const SFT = PRESETS['sft-full'];
const GRPO = PRESETS['grpo-full'];
const set = (plan: TrainingPlan, id: FieldId, value: string | number | boolean) =>
  FIELDS[id].write(plan, value);

describe('FIELDS', () => {
  it('reads what it wrote, and changes nothing else', () => {
    for (const id of FIELD_IDS) {
      const field = FIELDS[id];
      const value = { number: 3, toggle: false, text: 'x', choice: '' }[field.kind];
      const wanted = field.kind === 'choice' ? (field.options.at(-1) ?? '') : value;
      const plan = field.write(GRPO, wanted);
      expect(field.read(plan), id).toBe(wanted);
      expect(field.write(plan, field.read(GRPO)), id).toEqual({
        ...GRPO,
        grpo: { ...GRPO.grpo, rewardWeights: expect.objectContaining(GRPO.grpo.rewardWeights) },
      });
    }
  });

  it('refuses an option that does not exist', () => {
    expect(set(GRPO, 'grpo.lossType', 'ppo')).toBe(GRPO);
  });

  it('reaches every setting of a plan', () => {
    const paths: string[] = [];
    const walk = (value: object, prefix: string) => {
      for (const [key, inner] of Object.entries(value)) {
        if (typeof inner === 'object' && inner !== null) walk(inner, `${prefix}${key}.`);
        else paths.push(`${prefix}${key}`);
      }
    };
    walk(GRPO, '');
    const chosenElsewhere = ['modelId', 'adapterId', 'source.kind'];
    expect(paths.filter((path) => !chosenElsewhere.includes(path) && !(path in FIELDS))).toEqual([]);
  });

  it('knows which settings have an effect', () => {
    expect(FIELDS['grpo.beta'].applies(SFT)).toBe(false);
    expect(FIELDS['sft.batchSize'].applies(SFT)).toBe(true);
    expect(FIELDS['lora.r'].applies({ ...SFT, adapterId: 'a' })).toBe(false);
    expect(FIELDS['source.scenes'].applies(GRPO)).toBe(false);
    const dataset: TrainingPlan = { ...SFT, source: { kind: 'dataset', datasetId: 'd' } };
    expect(FIELDS['source.textShare'].applies(dataset)).toBe(false);
    expect(set(dataset, 'source.textShare', 0.5)).toBe(dataset);
    expect(FIELDS['grpo.stdFloor'].applies(GRPO)).toBe(false);
    expect(FIELDS['grpo.stdFloor'].applies(set(GRPO, 'grpo.scaleRewards', 'std_floor'))).toBe(true);
  });
});

describe('problemsOf', () => {
  const problem = (plan: TrainingPlan) => problemsOf(plan, []);

  it('finds none in the presets', () => {
    for (const plan of Object.values(PRESETS)) expect(problem(plan)).toEqual([]);
  });

  it('names field and kind', () => {
    const cases: [FieldId, number | string, string][] = [
      ['maxSteps', 0, 'range'],
      ['maxSteps', 1.5, 'whole'],
      ['optim.learningRate', Number.NaN, 'number'],
      ['sft.batchSize', Number.POSITIVE_INFINITY, 'number'],
      ['name', '  ', 'text'],
      ['lora.targetModules', '(', 'pattern'],
    ];
    for (const [id, value, must] of cases) {
      expect(problem(set(SFT, id, value)), id).toEqual([{ field: id, must }]);
    }
  });

  it('passes over settings without an effect', () => {
    expect(problem(set(SFT, 'grpo.numGenerations', 1))).toEqual([]);
    expect(problem(set(GRPO, 'grpo.numGenerations', 1))).toHaveLength(1);
  });

  it('wants a dataset that is there, with responses for SFT', () => {
    const from = (plan: TrainingPlan): TrainingPlan => ({
      ...plan,
      source: { kind: 'dataset', datasetId: 'd' },
    });
    const must = (plan: TrainingPlan, rows: number, responses: number) =>
      problemsOf(from(plan), [datasetOf('d', rows, responses)]).map((one) => one.must);
    expect(problemsOf(from(SFT), [])).toEqual([{ field: 'source', must: 'dataset' }]);
    expect(must(SFT, 0, 0)).toEqual(['rows']);
    expect(must(SFT, 3, 0)).toEqual(['responses']);
    expect(must(SFT, 90, SFT.sft.evalSize)).toEqual(['leave']);
    expect(must(SFT, 90, SFT.sft.evalSize + 1)).toEqual([]);
    expect(must(set(SFT, 'sft.evalSize', 0), 3, 1)).toEqual([]);
    expect(must(GRPO, 3, 0)).toEqual([]);
  });
});

describe('differences', () => {
  it('lists changed settings that have an effect, and not the name', () => {
    expect(differences(SFT, SFT)).toEqual([]);
    const changed = set(set(set(SFT, 'name', 'mine'), 'maxSteps', 7), 'grpo.beta', 0.1);
    expect(differences(SFT, changed)).toEqual(['maxSteps']);
  });
});

describe('fieldOfAdvice', () => {
  it('finds the setting that an advice names', () => {
    expect(fieldOfAdvice('Set tokensPerMicroBatch to 2048.')).toBe('tokensPerMicroBatch');
    expect(fieldOfAdvice('Lower grpo.maxCompletionLength to 64.')).toBe('grpo.maxCompletionLength');
    expect(fieldOfAdvice('Try lora.r = 4.')).toBe('lora.r');
    expect(fieldOfAdvice('numGenerations of 4 would fit')).toBe('grpo.numGenerations');
  });

  it('takes no English word for a setting', () => {
    expect(fieldOfAdvice('Use a shorter length, another seed or mode; keep the name and format.')).toBeNull();
  });
});
