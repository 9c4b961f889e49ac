// The list of goldens that ships: a part of the fixtures, read strictly; and how tokens are compared.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareTokens, type Golden, readGoldens } from '../../../src/services/device_check/golden_answers';

const FIXTURES = 'test/fixtures/pocket';
const shipped = () => readGoldens(JSON.parse(readFileSync('public/check/goldens.json', 'utf8')));

describe('the goldens that ship', () => {
  it('are those of the fixtures, with their pictures to the byte', () => {
    const { model, adapter, questions } = shipped();
    expect(questions.filter((one) => one.adapter).length).toBeGreaterThan(0);
    expect(questions.filter((one) => !one.adapter).length).toBeGreaterThan(0);
    for (const { adapter: adapted, ...question } of questions) {
      const file = adapted ? 'greedy_tokens_adapter.json' : 'greedy_tokens.json';
      const { about, scenes } = JSON.parse(readFileSync(`${FIXTURES}/${file}`, 'utf8'));
      expect(about.model).toBe(model);
      if (adapted) expect(about.adapter).toBe(adapter);
      expect(scenes).toContainEqual(expect.objectContaining(question));
      expect(readFileSync(`public/check/${question.image}`)).toEqual(
        readFileSync(`${FIXTURES}/${question.image}`),
      );
    }
  });

  it('are refused by name when something is missing', () => {
    expect(() => readGoldens({})).toThrow(/check\/goldens\.json: questions/);
    const one = { id: 'a', image: 'a.png', question: 'q', mode: 'dance', adapter: false, ids: [], ties: [] };
    expect(() => readGoldens({ model: 'm', adapter: 'a', questions: [one] })).toThrow(/mode must be one/);
  });
});

describe('compareTokens', () => {
  const golden: Golden = {
    ...{ id: 'a', image: 'a.png', question: 'q', mode: 'solution', adapter: true },
    ...{ ids: [5, 6, 7], ties: [1] },
  };

  it('finds the first token that differs, and whether two were equally likely there', () => {
    const made = (ids: number[]) => {
      const { differs, tie } = compareTokens(golden, ids);
      return [differs, tie];
    };
    expect(made([5, 6, 7])).toEqual([null, false]);
    expect(made([5, 9, 7])).toEqual([1, true]);
    expect(made([5, 6, 8])).toEqual([2, false]);
    expect(made([5, 6])).toEqual([2, false]);
    expect(made([5, 6, 7, 8])).toEqual([3, false]);
  });
});
