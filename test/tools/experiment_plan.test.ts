// What an experiment's file comes to: the parts to run, shared where arms begin alike, and configurations that the trainer
// takes. Committed experiments are read as they are.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRunFile } from '../../src/settings/run_file';
import { isGiven, readExperiment, stageConfig, unitsOf } from '../../tools/experiment_plan';

const SMALL = {
  question: 'Is it better?',
  protocol: { primary: 'accuracy' },
  model: 'pocket',
  seeds: [3, 4],
  stages: {
    teach: { method: 'sft', config: 'configs/pocket_sft.json' },
    reward: { method: 'grpo', config: 'configs/pocket_grpo.json', set: { grpo: { promptsPerStep: 2 } } },
  },
  arms: [
    { name: 'base', says: 'the base', mode: 'cot' },
    { name: 'taught', says: 'SFT', stages: ['teach'], mode: 'solution' },
    { name: 'whole', says: 'SFT, then GRPO', stages: ['teach', 'reward'], mode: 'solution' },
  ],
  sets: [{ name: 'sheets', split: 'test', visual: true, count: 5, seed: 9 }],
  comparisons: [['base', 'whole']],
};
const small = (change: object = {}) => readExperiment('small', JSON.stringify({ ...SMALL, ...change }));

describe('parts of an experiment', () => {
  it('trains what arms share once for each seed, before what goes on from it', () => {
    expect(unitsOf(small()).map(({ folder }) => folder)).toEqual([
      'base/answers/base/sheets',
      'seed3/teach',
      'seed3/answers/taught/sheets',
      'seed3/teach+reward',
      'seed3/answers/whole/sheets',
      'seed4/teach',
      'seed4/answers/taught/sheets',
      'seed4/teach+reward',
      'seed4/answers/whole/sheets',
    ]);
  });

  it('asks each arm with the adapter of its last stage', () => {
    const asked = unitsOf(small({ seeds: [3] })).flatMap((unit) =>
      unit.kind === 'evaluate' ? [[unit.arm, unit.adapter, unit.seed]] : [],
    );
    expect(asked).toEqual([
      ['base', null, null],
      ['taught', 'seed3/teach', 3],
      ['whole', 'seed3/teach+reward', 3],
    ]);
  });
});

describe('tags of looks', () => {
  const asking = (lookTag: unknown) =>
    unitsOf(small({ seeds: [3], arms: SMALL.arms.map((arm) => ({ ...arm, lookTag })) }));

  it('are asked for and read as the arm says', () => {
    const tags = asking('words_check').flatMap((unit) => (unit.kind === 'evaluate' ? [unit.lookTag] : []));
    expect(tags).toEqual(['words_check', 'words_check', 'words_check']);
  });

  it('are refused where there are none of the name', () => {
    expect(() => asking('<check>')).toThrow(/arms\[0\]\.lookTag must be one of back, recheck/);
  });
});

describe('sets of questions', () => {
  const withKinds = (kinds: unknown) => small({ sets: [{ ...SMALL.sets[0], kinds }] }).sets;

  it('may ask questions of some kinds alone', () => {
    expect(withKinds(['compare', 'any'])[0]?.kinds).toEqual(['compare', 'any']);
    expect('kinds' in (small().sets[0] ?? {})).toBe(false);
  });

  it.each([[[]], [['sum']], [['text']], [['compare', 3]], ['compare']])('refuses the kinds %j', (kinds) => {
    expect(() => withKinds(kinds)).toThrow(/sets\[0\]\.kinds must/);
  });
});

describe('an adapter that is there already', () => {
  const given = {
    stages: { ...SMALL.stages, shipped: { adapter: 'public/adapters/pocket-lookback' } },
    arms: [
      { name: 'own', says: 'as it stands', stages: ['shipped'], mode: 'solution' },
      { name: 'more', says: 'trained on', stages: ['shipped', 'reward'], mode: 'solution' },
    ],
    comparisons: [],
  };

  it('is asked once for all seeds, and trained on from its folder', () => {
    expect(unitsOf(small(given)).map(({ folder, adapter, seed }) => [folder, adapter, seed])).toEqual([
      ['base/answers/own/sheets', 'public/adapters/pocket-lookback', null],
      ['seed3/shipped+reward', 'public/adapters/pocket-lookback', 3],
      ['seed3/answers/more/sheets', 'seed3/shipped+reward', 3],
      ['seed4/shipped+reward', 'public/adapters/pocket-lookback', 4],
      ['seed4/answers/more/sheets', 'seed4/shipped+reward', 4],
    ]);
  });

  it('stands first, in the folder of adapters, and with nothing beside it', () => {
    const stages = (shipped: object) => ({ ...given, stages: { ...given.stages, shipped } });
    const arms = [{ ...given.arms[1], stages: ['reward', 'shipped'] }];
    expect(() => small({ ...given, arms })).toThrow(/arms\[0\]\.stages\[1\] is an adapter as it stands/);
    expect(() => small(stages({ adapter: '../x' }))).toThrow(/must be a folder of public\/adapters/);
    expect(() => small(stages({ ...given.stages.shipped, set: {} }))).toThrow(
      /stages\.shipped\.set does not go with an adapter/,
    );
  });
});

describe('what is measured of an arm', () => {
  it('are its own looks, as many questions at once as usual, unless the file says otherwise', () => {
    const asked = (change: object) =>
      unitsOf(small({ seeds: [3], ...change })).flatMap((unit) =>
        unit.kind === 'evaluate' ? [[unit.arm, unit.look, unit.batch]] : [],
      );
    expect(asked({})[0]).toEqual(['base', 'own', undefined]);
    const arms = [{ ...SMALL.arms[0], look: 'picture_again' }];
    expect(asked({ arms, comparisons: [], batch: 1 })).toEqual([['base', 'picture_again', 1]]);
  });

  it('is the same when a file is written and read again', () => {
    const { name, ...rest } = small({ batch: 1, tables: ['cost'] });
    expect(readExperiment(name, JSON.stringify(rest))).toEqual({ name, ...rest });
  });
});

describe('configurations of stages', () => {
  const { stages } = small();
  const of = (name: string, seed: number, adapter: string | null): Record<string, unknown> => {
    const stage = stages[name];
    if (stage === undefined || isGiven(stage)) throw new Error(name);
    return JSON.parse(stageConfig(stage, readFileSync(stage.config, 'utf8'), seed, adapter));
  };

  it('change what is asked for and keep the rest', () => {
    const committed = JSON.parse(readFileSync('configs/pocket_grpo.json', 'utf8'));
    const made = of('reward', 2, 'teach');
    expect(made).toEqual({
      ...committed,
      adapter: 'teach',
      seed: committed.seed + 2000,
      grpo: { ...committed.grpo, promptsPerStep: 2 },
    });
  });

  it('begin anew without an adapter, whatever the committed file continues', () => {
    expect(of('reward', 0, null).adapter).toBeNull();
  });

  it('are refused where the trainer would refuse them', () => {
    const stage = { ...small().stages.reward, set: { grpo: { promptsPerStep: 0 } } } as never;
    expect(() => stageConfig(stage, readFileSync('configs/pocket_grpo.json', 'utf8'), 1, null)).toThrow(
      /configs\/pocket_grpo\.json as the experiment changes it: .*promptsPerStep/,
    );
  });
});

describe('files that are no experiment', () => {
  const arm = SMALL.arms[1];
  it.each([
    ['seeds must be different', { seeds: [1, 1] }],
    ['seeds must be an integer from 0', { seeds: [-1] }],
    ['arms[0].stages[0] must be one of teach, reward', { arms: [{ ...arm, stages: ['treat'] }] }],
    ['arms holds taught twice', { arms: [arm, arm] }],
    ['arms[0].mode must be one of', { arms: [{ ...arm, mode: 'loud' }] }],
    ['stages.Teach must be small letters', { stages: { Teach: SMALL.stages.teach } }],
    [
      'stages.teach.config must be a file of configs/',
      { stages: { teach: { method: 'sft', config: '../x.json' } } },
    ],
    ['stages.teach.lr is not known here', { stages: { teach: { ...SMALL.stages.teach, lr: 1 } } }],
    ['sets[0].count must be an integer from 1', { sets: [{ ...SMALL.sets[0], count: 0 }] }],
    ['comparisons[0] must name two of base, taught, whole', { comparisons: [['base', 'best']] }],
    ['arms[0].look must be one of own, neutral', { arms: [{ ...arm, look: 'away' }] }],
    ['batch must be an integer from 1', { batch: 0 }],
    ['tables[1] must be one of cost, looks', { tables: ['cost', 'prices'] }],
    ['extra is not known here', { extra: 1 }],
  ])('%s', (message, change) => {
    expect(() => small(change)).toThrow(`experiments/small.json: ${message}`);
  });

  it('names a file that is no JSON', () => {
    expect(() => readExperiment('small', '{')).toThrow(/experiments\/small\.json: the file is no JSON/);
  });
});

describe.each(readdirSync('experiments').filter((file) => file.endsWith('.json')))(
  'experiments/%s',
  (file) => {
    const experiment = readExperiment(
      file.slice(0, -'.json'.length),
      readFileSync(`experiments/${file}`, 'utf8'),
    );

    it('names adapters that are here', () => {
      for (const stage of Object.values(experiment.stages))
        if (isGiven(stage)) expect(existsSync(`${stage.adapter}/adapter_config.json`)).toBe(true);
    });

    it('has configurations that the trainer takes', () => {
      for (const unit of unitsOf(experiment)) {
        if (unit.kind !== 'train') continue;
        const committed = readFileSync(unit.stage.config, 'utf8');
        const { unused } = readRunFile(
          stageConfig(unit.stage, committed, unit.seed, unit.adapter),
          unit.stage.method,
        );
        expect(unused).toEqual([]);
      }
    });
  },
);
