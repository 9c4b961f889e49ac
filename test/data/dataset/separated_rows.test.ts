// Separated values under a header, and the line before it that names the delimiter.
import { describe, expect, it } from 'vitest';
import type { RawRow } from '../../../src/data/dataset/row_scanner';
import { separatedScanner } from '../../../src/data/dataset/separated_rows';

function read(text: string | Buffer): unknown[] {
  const rows: RawRow[] = [];
  const scanner = separatedScanner('t.csv', { maxRowBytes: 1000 }, (row) => void rows.push(row));
  scanner.push(typeof text === 'string' ? Buffer.from(text) : text);
  scanner.end();
  return rows.map((raw) => [raw.row, 'reason' in raw ? raw.reason : Object.fromEntries(raw.values)]);
}

describe('separatedScanner', () => {
  it.each([
    'sep=;\r\na;b\r\n1,5;2\r\n',
    '"sep=;"\na;b\n1,5;2\n',
    'SEP=|\na|b\n1,5|2\n',
    '\nsep=\t\na\tb\n1,5\t2',
  ])('obeys the first line of %j', (text) => {
    const line = text.startsWith('\n') ? 4 : 3;
    expect(read(text)).toEqual([[line, { a: '1,5', b: '2' }]]);
  });

  it('keeps a header that only looks alike', () => {
    expect(read('sep=;,b\n1,2')).toEqual([[2, { 'sep=;': '1', b: '2' }]]);
  });

  it('tells pipes from the header', () => {
    expect(read('a|b\n1|2')).toEqual([[2, { a: '1', b: '2' }]]);
  });

  it('says what to do about windows-1252, in a row or in the header', () => {
    expect(read(Buffer.from('a,b\ncaf\xe9,2\n1,2\n', 'latin1'))).toEqual([
      [2, 'is not valid UTF-8: save the file as UTF-8'],
      [3, { a: '1', b: '2' }],
    ]);
    expect(() => read(Buffer.from('caf\xe9,b\n1,2\n', 'latin1'))).toThrow('save the file as UTF-8');
  });
});
