// The waves of an evaluation over a scripted model: what is asked, what is left out, what an abort leaves.
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/lib/errors';
import type { SceneOutcome } from '../../src/lookback/evaluation';
import { type EvaluationItem, evaluateItems, splitItem } from '../../src/lookback/evaluation_run';
import { scriptedModel } from './scripted_model';
import { wordModel } from './word_model';

const pixels = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;
const item = (index: number, expected = '2'): EvaluationItem => ({
  ...{ index, kind: 'count', expected, question: `q${index}` },
  image: async () => pixels,
});
const RUN = { mode: 'cot', grader: 'auto', batch: 2, maxNewTokens: null } as const;

async function evaluated(
  items: readonly EvaluationItem[],
  answerTo: (question: string, mode: string) => string,
  run: Partial<Parameters<typeof evaluateItems>[2]> = {},
) {
  const waves: SceneOutcome[][] = [];
  const left: number[] = [];
  await evaluateItems(
    scriptedModel(answerTo),
    items,
    { ...RUN, ...run },
    {
      onWave: async (outcomes, without) => {
        waves.push([...outcomes]);
        left.push(...without.map(({ item: { index } }) => index));
      },
    },
  );
  return { waves, left };
}

describe('evaluateItems', () => {
  it('asks in waves with the mode, and scores what comes', async () => {
    const { waves } = await evaluated([item(0), item(1), item(2)], (question, mode) =>
      question === 'q1' ? '<think> 3 </think> \\boxed{ 3 }' : `<think> ${mode} </think> \\boxed{ 2 }`,
    );
    expect(waves.map((wave) => wave.map(({ index, correct }) => [index, correct]))).toEqual([
      [
        [0, true],
        [1, false],
      ],
      [[2, true]],
    ]);
    expect(waves[0]?.[0]?.text).toContain('cot');
    expect(waves[0]?.[0]).toMatchObject({ promptTokens: 3, length: 7, backAt: null, firstCorrect: null });
    expect(waves[0]?.[0]?.shares[0]).toBe(0.5);
    expect(waves[0]?.[0]?.flops).toBeGreaterThan(0);
  });

  it('asks a question with the system text of its row', async () => {
    const model = scriptedModel(() => '\\boxed{ 2 }');
    const seen: unknown[] = [];
    const prepare: typeof model.prepare = (question) => {
      seen.push(question.system);
      return model.prepare(question);
    };
    const items = [{ ...item(0), system: 'Be brief.' }, item(1)];
    await evaluateItems({ ...model, prepare }, items, RUN, { onWave: async () => undefined });
    expect(seen).toEqual(['Be brief.', undefined]);
  });

  it('samples each question with a seed of its own, whatever wave it is in, and greedily by default', async () => {
    const model = scriptedModel(() => '\\boxed{ 2 }');
    const drawn = async (indices: readonly number[], run: Partial<Parameters<typeof evaluateItems>[2]>) => {
      const seen: [number, number][] = [];
      const answerBatch: typeof model.answerBatch = (requests, ...rest) => {
        seen.push(
          ...requests.map(({ sampling: { temperature, seed } }): [number, number] => [temperature, seed]),
        );
        return model.answerBatch(requests, ...rest);
      };
      const items = indices.map((index) => item(index));
      await evaluateItems(
        { ...model, answerBatch },
        items,
        { ...RUN, ...run },
        { onWave: async () => undefined },
      );
      return seen;
    };
    const sampled = { temperature: 1, samplingSeed: 3 };
    const [first, second, third] = await drawn([0, 1, 2], sampled);
    expect([first?.[0], second?.[0]]).toEqual([1, 1]);
    expect(new Set([first?.[1], second?.[1], third?.[1]]).size).toBe(3);
    expect(await drawn([2], sampled)).toEqual([third]);
    expect(await drawn([2], { ...sampled, samplingSeed: 4 })).not.toEqual([third]);
    expect((await drawn([0], {}))[0]?.[0]).toBe(0);
  });

  it('judges by the grader that is named', async () => {
    const answer = () => '<think> x </think> \\boxed{ 2 cm }';
    const right = async (grader: 'auto' | 'strict' | 'method') =>
      (await evaluated([item(0)], answer, { grader })).waves[0]?.[0]?.correct;
    expect(await right('strict')).toBe(false);
    expect(await right('method')).toBe(true);
    expect(await right('auto')).toBe(true);
  });

  it('leaves out an item whose picture cannot be used, and asks the others of its wave', async () => {
    const broken: EvaluationItem = {
      ...item(0),
      image: async () => {
        throw new DataError('data/image', 'no picture');
      },
    };
    const { waves, left } = await evaluated([broken, item(1)], () => '\\boxed{ 2 }');
    expect(left).toEqual([0]);
    expect(waves.flat().map(({ index }) => index)).toEqual([1]);
  });

  it('scores answers whole whose looks were replaced, and counts only what was generated', async () => {
    const { model } = wordModel(({ written }) =>
      written === '' ? '<think> 3 </think> <back> red red </back> so' : ' <think> 2 </think> \\boxed{ 2 }',
    );
    const outcomes: SceneOutcome[] = [];
    const hooks = { onWave: async (wave: readonly SceneOutcome[]) => void outcomes.push(...wave) };
    await evaluateItems(model, [item(0)], { ...RUN, look: 'neutral' }, hooks);
    const [one] = outcomes;
    expect(one).toMatchObject({
      correct: true,
      triggered: true,
      promptTokens: 6,
      length: 11,
      format: 'back',
    });
    expect(one?.intervention).toEqual({ look: 'neutral', looks: 1, forcedTokens: 3 });
    // 6 tokens of the prompt and 14 of the answer, of which the last is not read; a key and a value of 4 halves each.
    expect(one?.cacheBytes).toBe(19 * 2 * 4 * 2);
    expect(one?.flops).toBeGreaterThan(0);
    expect(one?.seconds).toBeGreaterThanOrEqual(0);
  });

  it('throws a wave away that was aborted, and asks no other', async () => {
    const stop = new AbortController();
    let asked = 0;
    const { waves } = await evaluated(
      [item(0), item(1), item(2), item(3)],
      (question) => {
        asked++;
        if (question === 'q2') stop.abort();
        return '\\boxed{ 2 }';
      },
      { signal: stop.signal },
    );
    expect(waves).toHaveLength(1);
    expect(asked).toBe(4);
  });
});

describe('splitItem', () => {
  it('gives the question that seed and number name, whatever else was asked for', () => {
    const of = { split: 'test', seed: 7, visual: true } as const;
    const { image: _, ...one } = splitItem(of, 3);
    expect(one).toMatchObject({ index: 3, kind: expect.stringMatching(/^(count|take|plus|compare|any)/) });
    const { image: __, ...again } = splitItem(of, 3);
    expect(again).toEqual(one);
    expect(splitItem({ ...of, seed: 8 }, 3).question).not.toBe(undefined);
  });

  it('asks a fifth without the picture unless only visual questions are wanted', () => {
    const kinds = (visual: boolean) =>
      Array.from(
        { length: visual ? 40 : 200 },
        (_, i) => splitItem({ split: 'test', seed: 7, visual }, i).kind,
      );
    expect(kinds(true).some((kind) => kind.startsWith('text'))).toBe(false);
    // 40 of 200 are meant; outside of 20 to 60 a fair draw falls once in ten thousand.
    const text = kinds(false).filter((kind) => kind.startsWith('text')).length;
    expect(text).toBeGreaterThan(20);
    expect(text).toBeLessThan(60);
  });
});
