// JSON cut into rows: which form a text has, whatever its file is named.
import { describe, expect, it } from 'vitest';
import { jsonScanner } from '../../../src/data/dataset/json_rows';
import type { RawRow } from '../../../src/data/dataset/row_scanner';

function read(text: string, piece = 5, maxRowBytes = 10_000): unknown[] {
  const rows: RawRow[] = [];
  const bytes = new TextEncoder().encode(text);
  const emit = (row: RawRow): void => void rows.push(row);
  const scanner = jsonScanner(bytes.slice(0, 64), { limits: { maxRowBytes }, emit, split: null });
  for (let at = 0; at < bytes.length; at += piece) scanner.push(bytes.slice(at, at + piece));
  scanner.end();
  return rows.map((raw) => [raw.row, 'reason' in raw ? raw.reason : Object.fromEntries(raw.values)]);
}

const ROWS = [
  { image: 'a.png', question: 'q {', answer: 1 },
  { image: 'b.png', question: 'q "', answer: 2 },
];
const ITEMS = ROWS.map((row, index) => [index + 1, row]);

describe('jsonScanner', () => {
  it.each([
    ['lines', ROWS.map((row) => JSON.stringify(row)).join('\n')],
    ['a list', JSON.stringify(ROWS)],
    ['a list over lines', JSON.stringify(ROWS, null, 4)],
    ['an object with a list', JSON.stringify({ version: '1.0', data: ROWS })],
    ['an object with a list, over lines', JSON.stringify({ version: '1.0', data: ROWS }, null, 2)],
    ['an object with one list of any name', JSON.stringify({ mine: ROWS })],
  ])('reads %s in any pieces', (_, text) => {
    for (const piece of [1, 5, 1000]) expect(read(text, piece)).toEqual(ITEMS);
  });

  it('reads objects written over several lines, under the line each begins on', () => {
    const text = ROWS.map((row) => JSON.stringify(row, null, 2)).join('\n');
    expect(read(text)).toEqual([
      [1, ROWS[0]],
      [6, ROWS[1]],
    ]);
    expect(read(`${text}\n{"a":`).at(-1)).toEqual([11, 'is cut off: the file ends inside it']);
    expect(read(`${text}\nword {"a": 1}`).at(-1)).toEqual([11, 'is not valid JSON']);
  });

  it('takes one object as one row, on one line or on several', () => {
    for (const indent of [undefined, 2]) {
      const row = { image: 'a.png', messages: [{ role: 'user', content: 'q' }], images: ['a.png'] };
      expect(read(JSON.stringify(row, null, indent))).toEqual([[1, row]]);
    }
  });

  it('goes on after a broken first line', () => {
    expect(read('{"a": [1,\n{"a":1}\n'.replace('[1,', '[1'))).toEqual([
      [1, 'is not valid JSON'],
      [2, { a: 1 }],
    ]);
  });

  it('says what is wrong with a row, and what to do', () => {
    expect(read(`{"a":1}\n{'a': 1}\n{"a":1,}\n[1]`).slice(1)).toEqual([
      [2, 'is a Python dict, not JSON: write it with json.dumps'],
      [3, 'is not valid JSON: it has a comma before its last bracket'],
      [4, 'is a list without column names: write each row as an object {"column": value}'],
    ]);
    expect(read(`{"a":"${'x'.repeat(99)}"}`, 7, 50)).toEqual([
      [1, 'is too long: up to 50 B are read as one row'],
    ]);
    expect(read('{"questions":[{"a":1}],"images":[{"b":1}],"x":[{"c":1}]}')).toEqual([[1, { a: 1 }]]);
    expect(read('{"pictures":[{"a":1}],"captions":[{"b":1}]}')).toEqual([
      [1, 'holds several lists ("pictures", "captions"): keep the one with the rows, in a file of its own'],
    ]);
  });
});
