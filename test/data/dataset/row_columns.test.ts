// The remaining columns of a row: which are kept within how many bytes, and what is told of the others.
import { describe, expect, it } from 'vitest';
import { LeftOutColumns, remainingColumns } from '../../../src/data/dataset/row_columns';

const read = (row: object, maxColumnBytes = 100, used: readonly (string | null)[] = [null]) =>
  remainingColumns(new Map(Object.entries(row)), new Set(used), { maxColumnBytes });

describe('remainingColumns', () => {
  it('leaves out what has another use or no value', () => {
    const row = { question: 'q', level: 1, note: undefined, source: '', parent: null };
    expect(read(row, 100, ['question', null])).toEqual({
      columns: { level: 1, source: '', parent: null },
      leftOut: [],
    });
  });

  it('counts bytes of JSON, and keeps smaller columns behind a larger one', () => {
    // ["a","ü"] has 10 bytes in UTF-8, of which ü has 2.
    expect(read({ a: 'ü' }, 10)).toMatchObject({ columns: { a: 'ü' } });
    expect(read({ a: 'ü' }, 9)).toMatchObject({ columns: {} });
    const { columns, leftOut } = read({ long: 'x'.repeat(500), a: 1, list: Array(90).fill(1), b: 2 }, 20);
    expect(columns).toEqual({ a: 1, b: 2 });
    expect(leftOut).toEqual([
      { name: 'long', why: 'it takes 504 B, and all such columns of a row may take 20 B' },
      { name: 'list', why: 'it takes 190 B, and all such columns of a row may take 20 B' },
    ]);
  });

  it('refuses a column that would set a prototype, and takes names of every object', () => {
    const values = new Map<string, unknown>([
      ['__proto__', { polluted: true }],
      ['constructor', 1],
      ['toString', 'x'],
    ]);
    const { columns, leftOut } = remainingColumns(values, new Set(), { maxColumnBytes: 100 });
    expect(Object.entries(columns)).toEqual([
      ['constructor', 1],
      ['toString', 'x'],
    ]);
    expect(leftOut.map(({ name }) => name)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(columns)).toBe(Object.prototype);
  });
});

describe('LeftOutColumns', () => {
  it('tells each column once, with the first row and the number of the others', () => {
    const found = new LeftOutColumns();
    found.take('a.jsonl', 3, [{ name: 'mask', why: 'it holds bytes' }]);
    for (const row of [4, 5]) found.take('a.jsonl', row, [{ name: 'mask', why: 'it is long' }]);
    found.take('b.jsonl', 1, [{ name: 'x'.repeat(99), why: 'it is long' }]);
    expect(found.warnings()).toEqual([
      {
        file: 'a.jsonl',
        row: 3,
        reason: expect.stringMatching(/"mask".* from 2 other rows: it holds bytes/),
      },
      { file: 'b.jsonl', row: 1, reason: expect.stringMatching(/"x+…" is left out here: it is long/) },
    ]);
  });

  it('tells no more names apart than it can hold', () => {
    const found = new LeftOutColumns();
    for (let row = 1; row <= 1000; row++) found.take('t', row, [{ name: `c${row}`, why: 'it is long' }]);
    expect(found.warnings()).toHaveLength(200);
  });
});
