// Which parts of results hold for an experiment as it is now, what is then left to run, and how results of two places add up.
import { describe, expect, it } from 'vitest';
import { type SceneOutcome, summarise } from '../../src/lookback/evaluation';
import {
  definitionsOf,
  heldParts,
  joinedParts,
  NO_PARTS,
  readResults,
  unitsLeft,
} from '../../tools/experiment_parts';
import { type Configs, readExperiment, unitsOf } from '../../tools/experiment_plan';
import { type ExperimentResults, keptAnswers } from '../../tools/experiment_results';

const CONFIGS: Configs = {
  'configs/a.json': { seed: 1, maxSteps: 3, sft: { batchSize: 2 }, evalSteps: 5 },
  'configs/b.json': { seed: 2, grpo: { numGenerations: 4 } },
};
const DEFINITION = {
  question: 'Better?',
  protocol: { primary: 'accuracy' },
  model: 'pocket',
  seeds: [1, 2],
  stages: {
    teach: { method: 'sft', config: 'configs/a.json', set: { maxSteps: 2 } },
    reward: { method: 'grpo', config: 'configs/b.json', set: {} },
  },
  arms: [
    { name: 'base', says: 'the base', stages: [], mode: 'cot' },
    { name: 'taught', says: 'SFT', stages: ['teach'], mode: 'solution' },
    { name: 'whole', says: 'both', stages: ['teach', 'reward'], mode: 'solution' },
  ],
  sets: [{ name: 'sheets', split: 'test', visual: true, count: 3, seed: 9 }],
  comparisons: [['base', 'whole']],
};
const experimentOf = (change: object = {}) =>
  readExperiment('small', JSON.stringify({ ...DEFINITION, ...change }));
const experiment = experimentOf();

const outcome = (index: number, text: string): SceneOutcome => ({
  ...{ index, kind: 'count', question: 'How many?', expected: '2', answer: '2', correct: true, text },
  ...{ triggered: false, emptyBack: false, genuineScan: false, format: 'cot' as const },
  ...{ length: 10, finishReason: 'eos' as const, firstCorrect: null, backAt: null, shares: [] },
  ...{ promptTokens: 20, flops: 1 },
  attention: { early: null, late: 0.1, inBack: null, backPeak: null, afterBack: null },
});
function answers(arm: string, seed: number | null, text = 'same', commit = 'c1') {
  const outcomes = [0, 1, 2].map((i) => outcome(i, `${text} ${i}`));
  const report = summarise(outcomes);
  return keptAnswers({ arm, seed, set: 'sheets', report, device: 'test', commit }, outcomes);
}
const results = (change: Partial<ExperimentResults> = {}): ExperimentResults => ({
  ...{ experiment, configs: CONFIGS, missing: [] },
  training: { 'seed1/teach': { steps: 2, tokens: 40, commit: 'c1' } },
  answers: [answers('base', null), answers('taught', 1)],
  ...change,
});
const BASE = 'base/answers/base/sheets';
const TAUGHT = 'seed1/answers/taught/sheets';

describe('parts that hold', () => {
  it('are those of an experiment that says the same, with more arms, more seeds and other words, too', () => {
    const now = experimentOf({
      ...{ question: 'Is it better?', seeds: [1, 2, 3], comparisons: [] },
      arms: [...DEFINITION.arms, { name: 'more', says: 'more', stages: ['reward'], mode: 'cot' }],
    });
    const held = heldParts(results(), now, CONFIGS);
    expect([...held.answers.keys()]).toEqual([BASE, TAUGHT]);
    expect([...held.training.keys()]).toEqual(['seed1/teach']);
    expect(held.foreign).toEqual([]);
  });

  it('do not depend on the order of keys', () => {
    const configs = {
      ...CONFIGS,
      'configs/a.json': { evalSteps: 5, sft: { batchSize: 2 }, maxSteps: 3, seed: 1 },
    };
    expect(heldParts(results(), experiment, configs).foreign).toEqual([]);
  });

  it.each([
    ['a configuration on the way', experiment, { 'configs/a.json': { seed: 1, sft: { batchSize: 4 } } }],
    [
      'what a stage changes',
      experimentOf({ stages: { ...DEFINITION.stages, teach: { ...DEFINITION.stages.teach, set: {} } } }),
      {},
    ],
  ])('fall with %s, and the base stays', (_, now, change) => {
    const held = heldParts(results(), now, { ...CONFIGS, ...change });
    expect([...held.answers.keys()]).toEqual([BASE]);
    expect(held.foreign).toEqual(['seed1/teach', TAUGHT]);
  });

  it('do not hold what is overwritten by the stage', () => {
    const configs = {
      ...CONFIGS,
      'configs/a.json': { seed: 1, maxSteps: 99, sft: { batchSize: 2 }, evalSteps: 5 },
    };
    expect(heldParts(results(), experiment, configs).foreign).toEqual([]);
  });

  it('fall with the questions, the prompt, the model and the arm itself', () => {
    const fallen = (change: object) => heldParts(results(), experimentOf(change), CONFIGS).foreign;
    expect(fallen({ sets: [{ ...DEFINITION.sets[0], seed: 10 }] })).toEqual([BASE, TAUGHT]);
    expect(fallen({ model: 'other' })).toEqual([BASE, TAUGHT]);
    const [base, taught, whole] = DEFINITION.arms;
    expect(fallen({ arms: [{ ...base, mode: 'plain' }, taught, whole] })).toEqual([BASE]);
    expect(fallen({ arms: [base, whole] })).toEqual([TAUGHT]);
    expect(fallen({ arms: [{ ...base, look: 'neutral' }, taught, whole] })).toEqual([BASE]);
    expect(fallen({ arms: [{ ...base, look: 'own' }, taught, whole], tables: ['cost'] })).toEqual([]);
    expect(fallen({ batch: 1 })).toEqual([BASE, TAUGHT]);
  });

  it('fall with the weights of an adapter that is there already', () => {
    const adapter = 'public/adapters/one';
    const given = experimentOf({
      ...{ stages: { one: { adapter } }, comparisons: [] },
      arms: [{ name: 'taught', says: 'as it stands', stages: ['one'], mode: 'solution' }],
    });
    const found = (weights: string) => {
      const kept = { experiment: given, configs: { [adapter]: { weights: 'a' } }, training: {} };
      const own = results({ ...kept, answers: [answers('taught', null)] });
      return [...heldParts(own, given, { [adapter]: { weights } }).answers.keys()];
    };
    expect(found('a')).toEqual(['base/answers/taught/sheets']);
    expect(found('b')).toEqual([]);
  });

  it('have a definition that names every stage on the way', () => {
    const whole = definitionsOf(experiment, CONFIGS).get('seed2/answers/whole/sheets') ?? '';
    expect(whole).toContain('numGenerations');
    expect(whole).toContain('batchSize');
  });
});

describe('what is left to run', () => {
  const units = unitsOf(experimentOf({ seeds: [1] }));
  const left = (there: readonly string[], adapters: readonly string[]) =>
    unitsLeft(
      units,
      (folder) => there.includes(folder),
      (folder) => adapters.includes(folder),
    ).map(({ folder }) => folder);
  const WHOLE = 'seed1/answers/whole/sheets';

  it('is everything where there is nothing', () => {
    expect(left([], [])).toEqual(units.map(({ folder }) => folder));
  });

  it('is no training whose answers are all there', () => {
    expect(left([BASE, TAUGHT, WHOLE], [])).toEqual([]);
  });

  it('is the way to what is missing, from the last adapter that is here', () => {
    expect(left([BASE, TAUGHT], [])).toEqual(['seed1/teach', 'seed1/teach+reward', WHOLE]);
    expect(left([BASE, TAUGHT], ['seed1/teach'])).toEqual(['seed1/teach+reward', WHOLE]);
    expect(left([BASE, TAUGHT], ['seed1/teach+reward'])).toEqual([WHOLE]);
  });
});

describe('results of two places', () => {
  const held = (change: Partial<ExperimentResults>) => heldParts(results(change), experiment, CONFIGS);

  it('add up, each part with its own commit', () => {
    const other = held({ answers: [answers('base', null, 'same', 'c2'), answers('whole', 2, 'far', 'c2')] });
    const joined = joinedParts(held({}), other, ['here', 'there']);
    expect([...joined.answers].map(([folder, { commit }]) => [folder, commit])).toEqual([
      [BASE, 'c1'],
      ['seed2/answers/whole/sheets', 'c2'],
      [TAUGHT, 'c1'],
    ]);
    expect(joinedParts(NO_PARTS, other, ['here', 'there']).answers.size).toBe(2);
  });

  it('are refused where both answered one part otherwise, by its name', () => {
    const other = held({ answers: [answers('taught', 1, 'other')] });
    expect(() => joinedParts(held({}), other, ['here', 'there'])).toThrow(
      /^seed1\/answers\/taught\/sheets: there holds other answers to it than here\./,
    );
  });
});

describe('a file of results', () => {
  const never = (): never => {
    throw new Error('asked git');
  };

  it('comes back as it was written', () => {
    const all = results({ missing: ['seed2/teach'] });
    expect(readResults(JSON.stringify(all), 'x.json', never)).toEqual(all);
  });

  it('of before commits were kept by part has its configurations from the one commit', () => {
    const { configs: _, ...old } = results();
    const bare = old.answers.map(({ commit: _one, ...rest }) => rest);
    const text = JSON.stringify({
      ...old,
      commit: 'c9',
      training: { 'seed1/teach': { steps: 2, tokens: 4 } },
      answers: bare,
    });
    // Evaluation's settings stood among those of SFT then.
    const then = {
      ...CONFIGS,
      'configs/a.json': { seed: 1, maxSteps: 3, sft: { batchSize: 2, evalSteps: 5 } },
    };
    const read = readResults(text, 'x.json', (commit, path) => {
      expect(commit).toBe('c9');
      return then[path as keyof typeof then];
    });
    expect(read.answers.map(({ commit }) => commit)).toEqual(['c9', 'c9']);
    expect(read.training['seed1/teach']?.commit).toBe('c9');
    expect(heldParts(read, experiment, CONFIGS).foreign).toEqual([]);
  });

  it.each([
    ['x.json is no JSON', '{'],
    ['x.json: experiment is missing', '{}'],
    ['x.json: configs is missing', JSON.stringify({ ...results(), configs: undefined })],
    [
      'x.json, experiment: arms must not be empty',
      JSON.stringify(results({ experiment: { ...experiment, arms: [] } })),
    ],
    [
      'x.json: answers[0].correct must have 3 places, one a question, not 2',
      JSON.stringify(results({ answers: [{ ...answers('base', null), correct: '10' }] })),
    ],
    [
      'x.json: answers[0].set is no set of the experiment',
      JSON.stringify(results({ answers: [{ ...answers('base', null), set: 'x' }] })),
    ],
    [
      'x.json: training.seed1/teach.steps must be an integer',
      JSON.stringify({ ...results(), training: { 'seed1/teach': { steps: 'no', tokens: 1, commit: 'c' } } }),
    ],
  ])('that is none is refused: %s', (message, text) => {
    expect(() => readResults(text, 'x.json', never)).toThrow(message);
  });
});
