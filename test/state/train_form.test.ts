// The form's logic: reading and writing settings, problems, differences, and how a plan divides its examples.
import { describe, expect, it } from 'vitest';
import { splitWords } from '../../src/settings/held_out';
import { TRAIN_SETTING_IDS, type TrainSettingId } from '../../src/settings/train_settings';
import {
  differences,
  fieldApplies,
  fieldOfAdvice,
  onSource,
  problemsOf,
  readField,
  splitOf,
  writeField,
} from '../../src/state/train_form';
import { PRESETS } from '../../src/state/train_presets';
import type { TrainingPlan } from '../../src/worker/protocol/training';
import { datasetOf } from './train_script';

const SFT = PRESETS['sft-full'];
const GRPO = PRESETS['grpo-full'];
const set = writeField;
const DATASET = { kind: 'dataset', datasetId: 'd' } as const;

describe('readField and writeField', () => {
  it('reach every setting of a plan, and change nothing else', () => {
    const paths: string[] = [];
    const walk = (value: object, prefix: string) => {
      for (const [key, inner] of Object.entries(value)) {
        if (typeof inner === 'object' && inner !== null) walk(inner, `${prefix}${key}.`);
        else paths.push(`${prefix}${key}`);
      }
    };
    walk(GRPO, '');
    const chosenElsewhere = ['modelId', 'adapterId', 'evalDatasetId', 'source.kind'];
    expect(paths.filter((path) => !chosenElsewhere.includes(path)).sort()).toEqual(
      [...TRAIN_SETTING_IDS].sort(),
    );
    for (const id of TRAIN_SETTING_IDS) {
      const plan = set(GRPO, id, 3);
      expect(readField(plan, id), id).toBe(3);
      expect(set(plan, id, readField(GRPO, id) ?? null), id).toEqual(GRPO);
    }
  });

  it('keep no setting of the world in a plan with a dataset', () => {
    const plan: TrainingPlan = { ...SFT, source: DATASET };
    expect(fieldApplies(plan, 'source.textShare')).toBe(false);
    expect(set(plan, 'source.textShare', 0.5)).toBe(plan);
    expect(readField(plan, 'source.textShare')).toBeUndefined();
  });
});

describe('onSource', () => {
  it('holds out a tenth of a dataset at most, and what the preset says of a large one', () => {
    const on = (rows: number) => onSource(PRESETS['sft-quick'], DATASET, [datasetOf('d', rows, rows)]);
    expect(on(20).evalSize).toBe(2);
    expect(on(1000).evalSize).toBe(PRESETS['sft-quick'].evalSize);
    expect(on(20).source).toEqual(DATASET);
    expect(onSource(SFT, SFT.source, [])).toBe(SFT);
    expect(onSource(SFT, DATASET, []).evalSize).toBe(SFT.evalSize);
  });

  it('leaves at least nine tenths to train on in every preset', () => {
    for (const plan of [PRESETS['sft-quick'], PRESETS['sft-full']]) {
      const split = splitOf(plan, []);
      expect((split?.heldOut ?? 1) / (split?.count ?? 1)).toBeLessThanOrEqual(0.1);
    }
  });
});

describe('splitOf', () => {
  it('says what Start will do with a dataset', () => {
    const datasets = [datasetOf('d', 25, 20)];
    const plan = set(onSource(PRESETS['sft-quick'], DATASET, datasets), 'maxSteps', 5);
    const split = splitOf(plan, datasets);
    expect(split).toMatchObject({ count: 20, exact: true });
    expect(split && splitWords(split)).toBe('18 train, 2 held out, 2.2 epochs');
    expect(splitOf(set(plan, 'evalSize', 20), datasets)).toBeNull();
    expect(splitOf(plan, [])).toBeNull();
    expect(splitOf({ ...plan, method: 'grpo' }, datasets)).toMatchObject({ train: 23, heldOut: 2 });
    expect(splitOf({ ...plan, method: 'grpo', evalSteps: 0 }, datasets)).toBeNull();
  });

  it('counts the scenes of the world as the most there can be', () => {
    expect(splitOf(SFT, [])).toMatchObject({ count: 800, exact: false, heldOut: 64 });
    expect(splitOf(set(SFT, 'sft.batchSize', Number.NaN), [])).toBeNull();
  });
});

describe('problemsOf', () => {
  const problem = (plan: TrainingPlan) => problemsOf(plan, []);

  it('finds none in the presets', () => {
    for (const plan of Object.values(PRESETS)) expect(problem(plan)).toEqual([]);
  });

  it('names field and kind', () => {
    const cases: [TrainSettingId, number | string, string][] = [
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
    expect(must(SFT, 90, SFT.evalSize)).toEqual(['leave']);
    expect(must(set(SFT, 'evalSteps', 0), 90, SFT.evalSize)).toEqual([]);
    expect(must(SFT, 90, SFT.evalSize + 1)).toEqual([]);
    expect(must(set(SFT, 'evalSize', 0), 3, 1)).toEqual([]);
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
