// Separated values as RFC 4180 and spreadsheets write them, and quotes that never close.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvParser, type CsvRecord, guessDelimiter } from '../../../src/data/dataset/csv_parser';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function parse(text: string, delimiter = ',', maxBytes = 1000): CsvRecord[] {
  const records: CsvRecord[] = [];
  const parser = new CsvParser(delimiter.charCodeAt(0), maxBytes, (record) => records.push(record));
  for (const line of text.split('\n')) parser.push(bytes(line));
  parser.end();
  return records;
}

const quote = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe('CsvParser', () => {
  it.each<[string, string, readonly string[]]>([
    ['plain', 'a,b c, d', ['a', 'b c', ' d']],
    ['empty cells', ',a,,', ['', 'a', '', '']],
    ['quoted', '"a,b","say ""hi""",""', ['a,b', 'say "hi"', '']],
    ['across lines', '"a\nb",c', ['a\nb', 'c']],
    ['a blank line inside quotes', '"a\n\nb"', ['a\n\nb']],
    ['quotes inside an unquoted cell', 'a"b",c', ['a"b"', 'c']],
    ['text after a closing quote', '"a"b,c', ['ab', 'c']],
    ['only quotes', '"""",x', ['"', 'x']],
    ['accents', 'ä,日本', ['ä', '日本']],
  ])('reads %s', (_, text, cells) => {
    expect(parse(text)).toEqual([{ line: 1, cells }]);
  });

  it('skips blank lines and empty records, and counts lines through quotes', () => {
    const records = parse('\na,b\n  \n,,\n"x\ny",z\nlast');
    expect(records).toEqual([
      { line: 2, cells: ['a', 'b'] },
      { line: 5, cells: ['x\ny', 'z'] },
      { line: 7, cells: ['last'] },
    ]);
  });

  it('reports a quote that never closes, once, with what it swallowed', () => {
    expect(parse('a\n"b\nc\nd')).toEqual([
      { line: 1, cells: ['a'] },
      { line: 2, reason: 'opens a quote that never closes: 3 lines from here on are lost' },
    ]);
  });

  it('reports records that are too long, and goes on after them', () => {
    expect(parse(`${'x'.repeat(60)}\n"a\n${'y'.repeat(60)}\n",b\nok`, ',', 50)).toEqual([
      { line: 1, reason: expect.stringContaining('is too long') },
      { line: 2, reason: expect.stringContaining('is too long') },
      { line: 5, cells: ['ok'] },
    ]);
    const records: CsvRecord[] = [];
    const parser = new CsvParser(0x2c, 50, (record) => records.push(record));
    parser.push(null);
    parser.push(bytes('ok'));
    expect(records).toEqual([
      { line: 1, reason: expect.stringContaining('is too long') },
      { line: 2, cells: ['ok'] },
    ]);
  });

  it('reports text that is not UTF-8, for its record only', () => {
    const records: CsvRecord[] = [];
    const parser = new CsvParser(0x2c, 50, (record) => records.push(record));
    parser.push(Uint8Array.of(0x61, 0x2c, 0xff));
    parser.push(bytes('b'));
    expect(records).toEqual([
      { line: 1, reason: 'is not valid UTF-8: save the file as UTF-8' },
      { line: 2, cells: ['b'] },
    ]);
  });

  it('reads back whatever was quoted', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'ß', '"', ',', ';', '\n', ' ', '\t'), maxLength: 8 });
    const row = fc
      .array(cell, { minLength: 1, maxLength: 4 })
      .filter((cells) => cells.some((text) => text !== ''));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), fc.constantFrom(',', ';', '\t'), (rows, delimiter) => {
        const text = rows.map((cells) => cells.map(quote).join(delimiter)).join('\n');
        const read = parse(text, delimiter, 10_000).map((record) =>
          'cells' in record ? record.cells : null,
        );
        expect(read).toEqual(rows);
      }),
    );
  });

  it('emits no more records than lines, whatever comes', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n'), maxLength: 60 });
    fc.assert(
      fc.property(text, (source) => {
        const records = parse(source);
        const lines = records.map(({ line }) => line);
        expect(lines).toEqual([...new Set(lines)].sort((a, b) => a - b));
        expect(records.length).toBeLessThanOrEqual(source.split('\n').length);
      }),
    );
  });
});

describe('guessDelimiter', () => {
  it.each([
    ['a,b', ','],
    ['a;b;c', ';'],
    ['a\tb', '\t'],
    ['"a;b;c",d', ','],
    ['alone', ','],
  ])('takes the one that separates %j', (header, delimiter) => {
    expect(String.fromCharCode(guessDelimiter(bytes(header)))).toBe(delimiter);
  });
});
