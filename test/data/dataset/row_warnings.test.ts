// Warnings of rows that can be used: what is found, how much is kept, and what unknown words are told.
import { describe, expect, it } from 'vitest';
import { RowWarnings, type WarnedRow } from '../../../src/data/dataset/row_warnings';

const ROW: WarnedRow = {
  ...{
    file: 't',
    row: 1,
    question: 'How many?',
    answer: '3',
    response: null,
    boxed: null,
    id: null,
    pictureKey: 'a',
    leftOut: [],
    system: null,
  },
};

describe('RowWarnings', () => {
  it('keeps a bounded number and counts the others', () => {
    const found = new RowWarnings('t', 2);
    for (let row = 1; row <= 5; row++) found.take({ ...ROW, row });
    const { warnings, more } = found.result();
    expect([warnings.map(({ row }) => row), more]).toEqual([[2, 3], 2]);
  });

  it('does not warn of other pictures, equal values, or boxes that agree', () => {
    const found = new RowWarnings('t', 9);
    found.take(ROW);
    found.take({ ...ROW, row: 2, pictureKey: 'b' });
    found.take({ ...ROW, row: 3, answer: '3.0' });
    found.take({ ...ROW, row: 5, answer: '4', system: 'Count blue ones, too.' });
    found.take({ ...ROW, row: 4, question: 'q', response: 'r', boxed: '3.' });
    expect(found.result()).toEqual({ warnings: [], more: 0 });
  });

  it('names each column that is left out once, before what rows have', () => {
    const found = new RowWarnings('t', 1);
    const mask = { name: 'mask', why: 'it holds bytes' };
    found.take(ROW);
    found.take({ ...ROW, row: 2, leftOut: [mask] });
    found.take({ ...ROW, row: 3, leftOut: [mask] });
    const { warnings, more } = found.result();
    expect(warnings.map(({ kind, row }) => [kind, row])).toEqual([
      ['columns', 2],
      ['duplicate', 2],
    ]);
    expect([warnings[0]?.reason, more]).toEqual([
      'its column "mask" is left out here and from 1 other row: it holds bytes',
      1,
    ]);
  });

  it('tells the share of unknown words of the set, and rows that are mostly unknown', () => {
    const known = new Set(['how', 'many', 'red', '3']);
    const unknown = (text: string) => {
      const words = text.toLowerCase().split(/\W+/).filter(Boolean);
      const strange = words.filter((word) => !known.has(word));
      return { share: strange.length / words.length, words: strange };
    };
    const found = new RowWarnings('t', 9, unknown);
    found.take(ROW);
    found.take({ ...ROW, row: 2, question: 'How many zebras?' });
    found.take({ ...ROW, row: 3, question: 'Zebras graze', answer: 'yes' });
    const { warnings } = found.result();
    expect(warnings.map(({ kind, row }) => [kind, row])).toEqual([
      ['unknown words', null],
      ['unknown words', 3],
      ['unknown words', 3],
    ]);
    // (0 + 1/3)/2 and (1 + 1)/2 over three rows.
    expect(warnings[0]?.reason).toContain('39 % of the words');
    expect(warnings[0]?.reason).toContain('in 2 of 3 rows: "zebras"');
    expect(warnings[1]?.reason).toContain('100 % of the words of its question');
  });
});
