// warnOfUnknownWords over rows of known and unknown words: shares, rows that are listed, and the bound of the list.
import { describe, expect, it } from 'vitest';
import { type WordedRow, warnOfUnknownWords } from '../../../src/data/dataset/unknown_rows';

const KNOWN = new Set(['how', 'many', 'red', '3']);
const unknown = (text: string) => {
  const words = text.toLowerCase().split(/\W+/).filter(Boolean);
  const strange = words.filter((word) => !KNOWN.has(word));
  return { share: words.length === 0 ? 0 : strange.length / words.length, words: strange };
};
const ROW: WordedRow = { file: 't', row: 1, question: 'How many?', answer: '3', response: null };

describe('warnOfUnknownWords', () => {
  it('says nothing of rows whose words are all known', async () => {
    expect(await warnOfUnknownWords('t', [ROW, ROW], unknown, 9)).toEqual({ warnings: [], more: 0 });
    expect(await warnOfUnknownWords('t', [], unknown, 9)).toEqual({ warnings: [], more: 0 });
  });

  it('tells the share of the set, the words by how many rows have them, and texts that are mostly unknown', async () => {
    const rows = [
      ROW,
      { ...ROW, row: 2, question: 'How many zebras?' },
      { ...ROW, row: 3, question: 'Zebras graze', response: 'red zebras graze' },
    ];
    const { warnings } = await warnOfUnknownWords('t', rows, unknown, 9);
    // (0 + (1/3 + 0)/2 + (1 + 0 + 2/3)/3) / 3 rows.
    expect(warnings[0]).toEqual({
      ...{ kind: 'unknown words', file: 't', row: null },
      reason: '24 % of the words are unknown to the model, in 2 of 3 rows: "zebras", "graze"',
    });
    expect(warnings.slice(1).map(({ row, reason }) => [row, reason])).toEqual([
      [3, '100 % of the words of its question are unknown to the model: "zebras", "graze"'],
      [3, '67 % of the words of its response are unknown to the model: "zebras", "graze"'],
    ]);
  });

  it('keeps a bounded number of rows and words, and counts the others', async () => {
    const many = Array.from({ length: 12 }, (_, i) => `w${i}`).join(' ');
    const rows = [1, 2, 3].map((row) => ({ ...ROW, row, question: many }));
    const { warnings, more } = await warnOfUnknownWords('t', rows, unknown, 2);
    expect([warnings.map(({ row }) => row), more]).toEqual([[null, 1, 2], 1]);
    expect(warnings[1]?.reason).toContain('"w7" and 4 more');
  });
});
