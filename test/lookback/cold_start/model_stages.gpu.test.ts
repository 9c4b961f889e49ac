// The stages that ask a model, on pocket: what was kept is not asked again, and a stage that was broken off ends as one
// that was not.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { continued, forcedStart, type OpenedChain } from '../../../src/lookback/cold_start/insertion';
import { ModelAnswers } from '../../../src/lookback/cold_start/model_answers';
import {
  type KeptRows,
  type StageHooks,
  type StageProgress,
  type StageStore,
  sampleLooks,
  sampleProblems,
} from '../../../src/lookback/cold_start/model_stages';
import { problemOf, worldProblem } from '../../../src/lookback/cold_start/problem_source';
import { sampledProblem } from '../../../src/lookback/cold_start/rollouts';
import { Reasoner } from '../../../src/lookback/reasoner';
import { COLD_START_SETTINGS, type ColdStartSettings } from '../../../src/settings/cold_start_settings';
import { defaultsOf } from '../../../src/settings/read_settings';
import { testGpu } from '../../harness/gpu';
import { pocketFiles } from '../../harness/pocket';

function memoryStore(): StageStore {
  const held: { [S in keyof KeptRows]: Map<string, KeptRows[S]> } = { rollouts: new Map(), self: new Map() };
  return {
    read: async (stage) => new Map(held[stage]),
    append: async (stage, rows) => {
      for (const row of rows) held[stage].set(row.id, row);
    },
  };
}

const SETTINGS: ColdStartSettings = {
  ...defaultsOf(COLD_START_SETTINGS),
  ...{ rollouts: 3, tries: 2, batch: 1, maxNewTokens: 100, pictures: 'sheets', textShare: 0 },
};

describe('the stages of a cold start', () => {
  let reasoner: Reasoner;
  let opened = 0;
  beforeAll(async () => {
    reasoner = await Reasoner.load(await testGpu(), pocketFiles('pocket'));
  });
  afterAll(() => reasoner.destroy());

  const sources = [0, 1, 2].map((index) => worldProblem(SETTINGS, index, async () => new Blob()));
  const parts = (store: StageStore, hooks: StageHooks = {}) => ({
    ...{ settings: SETTINGS, store, hooks },
    open: async (first: number) => {
      opened++;
      return new ModelAnswers(reasoner, first);
    },
  });

  it('go on where they were broken off', async () => {
    const unbroken = await sampleProblems(sources, parts(memoryStore()));
    const store = memoryStore();
    const stop = new AbortController();
    const heard: StageProgress[] = [];
    const onProgress = (progress: StageProgress): void => {
      heard.push(progress);
      if (progress.done === 2) stop.abort(new Error('enough'));
    };
    await expect(sampleProblems(sources, parts(store, { signal: stop.signal, onProgress }))).rejects.toThrow(
      'enough',
    );
    expect([...(await store.read('rollouts')).keys()]).toEqual(sources.slice(0, 2).map(({ id }) => id));
    expect(heard.map(({ done }) => done)).toEqual([0, 1, 2]);
    expect(await sampleProblems(sources, parts(store))).toEqual(unbroken);
    opened = 0;
    expect(await sampleProblems(sources, parts(store))).toEqual(unbroken);
    expect(opened).toBe(0);
  });

  it('let the model write looks for the openings, and again where an opening changed', async () => {
    const store = memoryStore();
    const [source] = sources;
    const chain = (thought: string): OpenedChain => ({
      sampled: sampledProblem(problemOf(source!), [], 1),
      chain: { text: thought, thought, correct: false },
      source: source!,
      opening: thought,
    });
    const one = chain('<think> i see 0 red squares. </think>');
    const first = (await sampleLooks([one], parts(store))).get(source!.id)!;
    expect(first.opening).toBe(one.opening);
    expect(first.texts.length).toBeGreaterThan(0);
    for (const text of first.texts)
      expect(text.startsWith(continued(forcedStart(one.opening), ''))).toBe(true);
    opened = 0;
    await sampleLooks([one], parts(store));
    expect(opened).toBe(0);
    const other = chain('<think> i see 1 red square. </think>');
    expect((await sampleLooks([other], parts(store))).get(source!.id)?.opening).toBe(other.opening);
    expect(opened).toBe(1);
  });
});
