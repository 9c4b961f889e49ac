// Settings read against a table: paths, defaults, and a sentence for every key that cannot be used.
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../src/lib/errors';
import {
  defaultsOf,
  effectiveProblems,
  givenProblems,
  merged,
  readerOf,
  settingAt,
  throwProblems,
  withSetting,
} from '../../src/settings/read_settings';
import { choice, number, toggle } from '../../src/settings/setting';

const WORDS = { label: 'x', group: 'g' };
const TABLE = {
  seed: number(3, { min: 0, max: 9 }, WORDS),
  'optim.rate': number(0.5, { min: 0, max: 1 }, WORDS),
  'optim.kind': choice('linear', { linear: '', cosine: '' }, WORDS),
  'optim.learningRate': number(1, {}, WORDS),
  'grpo.weights.a': number(1, {}, WORDS),
  'grpo.weights.b': number(2, {}, WORDS),
  'grpo.floor': number(0.1, { above: 0 }, { ...WORDS, when: (of) => of('optim.kind') === 'cosine' }),
  on: toggle(true, WORDS),
};
const messages = (given: unknown) => givenProblems(TABLE, given).map(({ message }) => message);

describe('paths', () => {
  it('read own properties alone', () => {
    const defaults = defaultsOf(TABLE);
    expect(settingAt(defaults, 'optim.rate')).toBe(0.5);
    expect(settingAt(defaults, 'optim.rate.toFixed')).toBeUndefined();
    expect(settingAt(defaults, 'constructor')).toBeUndefined();
  });

  it('write a copy', () => {
    const before = defaultsOf(TABLE);
    const after = withSetting(before, 'grpo.weights.a', 7);
    expect(after.grpo.weights).toEqual({ a: 7, b: 2 });
    expect(before.grpo.weights.a).toBe(1);
    expect(after.optim).toBe(before.optim);
  });
});

describe('givenProblems', () => {
  it('finds none in the defaults, nor in nothing', () => {
    expect(messages(defaultsOf(TABLE))).toEqual([]);
    expect(messages({})).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{ optim: { kind: 'cosin' } }, 'optim.kind is "cosin"; it must be one of linear, cosine.'],
    [{ optim: { rate: 2 } }, 'optim.rate is 2; it must be a number from 0 to 1.'],
    [
      { optim: { rate: '0.1' } },
      'optim.rate is "0.1"; it must be a number from 0 to 1, without quotation marks.',
    ],
    [{ optim: { rate: null } }, 'optim.rate is null; it must be a number from 0 to 1.'],
    [{ optim: 4 }, 'optim is 4; it must be an object.'],
    [{ optim: [] }, 'optim is []; it must be an object.'],
    [{ seed: { a: 1 } }, 'seed is {"a":1}; it must be a number from 0 to 9.'],
    [{ on: 'no' }, 'on is "no"; it must be true or false.'],
    [
      { optim: { learning_rate: 1 } },
      'There is no setting "optim.learning_rate". Is optim.learningRate meant?',
    ],
    [{ rate: 1 }, 'There is no setting "rate". Is optim.rate meant?'],
    [{ optim: { x: 1 } }, 'There is no setting "optim.x". optim has rate, kind, learningRate.'],
    [{ x: 1 }, 'There is no setting "x". Known are seed, optim, grpo, on.'],
    [{ grpo: { weights: { c: 1 } } }, 'There is no setting "grpo.weights.c". grpo.weights has a, b.'],
    [{ toString: 1 }, 'There is no setting "toString". Known are seed, optim, grpo, on.'],
  ])('says what is wrong with %j', (given, message) => {
    expect(messages(given)).toEqual([message]);
  });

  it('names all at once, and cuts long values', () => {
    expect(messages({ seed: 10, on: 1 })).toHaveLength(2);
    expect(messages({ seed: 'a'.repeat(1000) })[0]?.length).toBeLessThan(200);
  });
});

describe('effectiveProblems', () => {
  it('passes over settings without an effect, and wants the others', () => {
    const wrong = withSetting(defaultsOf(TABLE), 'grpo.floor', 0);
    expect(effectiveProblems(TABLE, readerOf(wrong))).toEqual([]);
    const cosine = withSetting(wrong, 'optim.kind', 'cosine');
    expect(effectiveProblems(TABLE, readerOf(cosine)).map(({ path }) => path)).toEqual(['grpo.floor']);
    const { seed: _, ...without } = defaultsOf(TABLE);
    expect(effectiveProblems(TABLE, readerOf(without))[0]?.message).toContain('seed is undefined');
  });
});

describe('merged', () => {
  it('puts given values over others, and replaces whole sections where told', () => {
    const base = defaultsOf(TABLE);
    const given = { grpo: { weights: { a: 5 } }, optim: { rate: 0 } };
    expect(merged(TABLE, base, given)).toEqual({
      ...base,
      optim: { ...base.optim, rate: 0 },
      grpo: { ...base.grpo, weights: { a: 5, b: 2 } },
    });
    expect(merged(TABLE, base, given, ['grpo.weights']).grpo.weights).toEqual({ a: 5, b: 0 });
  });
});

describe('throwProblems', () => {
  it('throws nothing for none, and one error that names all', () => {
    expect(() => throwProblems([])).not.toThrow();
    const both = givenProblems(TABLE, { seed: 10, on: 1 });
    expect(() => throwProblems(both)).toThrow(ArgumentError);
    expect(() => throwProblems(both)).toThrow(expect.objectContaining({ data: { key: 'seed' } }));
    expect(() => throwProblems(both)).toThrow(/seed is 10.*\non is 1/);
  });
});
