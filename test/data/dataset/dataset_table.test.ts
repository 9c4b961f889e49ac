// Tables cut into rows: every form, cut anywhere, whole and broken.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceFile } from '../../../src/data/dataset/dataset_files';
import { readTable } from '../../../src/data/dataset/dataset_table';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import type { RawRow } from '../../../src/data/dataset/row_scanner';

/** A file whose bytes come in pieces of the given size. */
function fileOf(path: string, content: string | Uint8Array, piece = 7): SourceFile {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return {
    path,
    size: bytes.length,
    position: 0,
    head: async (length) => bytes.subarray(0, length),
    tail: async () => null,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += piece) yield bytes.slice(at, at + piece);
    },
    blob: async (type) => new Blob([bytes as Uint8Array<ArrayBuffer>], { type }),
  };
}

async function read(path: string, content: string | Uint8Array, piece = 7, limits = {}): Promise<RawRow[]> {
  const rows: RawRow[] = [];
  await readTable(fileOf(path, content, piece), { ...IMPORT_LIMITS, ...limits }, (row) => rows.push(row));
  return rows;
}

/** Rows as plain data: `[row, values or reason]`. */
const plain = (rows: readonly RawRow[]): unknown[] =>
  rows.map((raw) => [raw.row, 'reason' in raw ? raw.reason : Object.fromEntries(raw.values)]);

const NO_NAMES = 'is a list without column names: write each row as an object {"column": value}';
const TOO_LONG = 'is too long: up to 50 B are read as one row';

const encode = (...parts: (string | number)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'number' ? part : [...new TextEncoder().encode(part)])),
  );

describe('JSON lines', () => {
  it('reads rows with a byte order mark, blank lines and any line ends', async () => {
    const text = '\ufeff{"a":1}\r\n\n  \n{"a":"ä"}\r{"__proto__":{"x":1},"a":2,"a":3}';
    for (const piece of [1, 2, 7, 1000]) {
      const rows = await read('t.jsonl', text, piece);
      expect(rows.map(({ row }) => row)).toEqual([1, 4, 5]);
      expect(rows[2]).toEqual({
        row: 5,
        values: new Map<string, unknown>([
          ['__proto__', { x: 1 }],
          ['a', 3],
        ]),
      });
    }
  });

  it('names the line of whatever cannot be read, and goes on', async () => {
    const content = encode(
      '{"a":',
      '\n',
      '"x',
      0xff,
      '"\n[{"a":1}]\n7\nnull\n{"a":"',
      'x'.repeat(99),
      '"}\n{"a":1}',
    );
    expect(plain(await read('t.jsonl', content, 7, { maxRowBytes: 50 }))).toEqual([
      [1, 'is not valid JSON'],
      [2, 'is not valid UTF-8: save the file as UTF-8'],
      [3, NO_NAMES],
      [4, 'must be a JSON object'],
      [5, 'must be a JSON object'],
      [6, TOO_LONG],
      [7, { a: 1 }],
    ]);
  });

  it('reads nesting that would exhaust a stack', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const [row] = await read('t.jsonl', `{"a":${deep}}`, 1e6);
    expect(row).toHaveProperty('values');
  });

  it('ends when its signal does', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const reading = readTable(fileOf('t.jsonl', '{}\n'), IMPORT_LIMITS, () => {}, { signal });
    await expect(reading).rejects.toThrow('enough');
  });
});

describe('a JSON list', () => {
  it('reads items however the bytes are cut', async () => {
    const items = [{ a: 'x]},[{"' }, { b: [1, { c: '\\"' }] }, { d: {} }];
    for (const text of [JSON.stringify(items), `\ufeff \n${JSON.stringify(items, null, 2)}\r\n`]) {
      for (const piece of [1, 3, 1000]) {
        expect(plain(await read('t.json', text, piece))).toEqual(items.map((item, i) => [i + 1, item]));
      }
    }
    expect(await read('t.json', '[]')).toEqual([]);
  });

  it('lists bad items, and goes on', async () => {
    const text = `[{"a":1}, 7, {"b":x}, {"c":"${'x'.repeat(99)}"}, [1], {"d":1}]`;
    expect(plain(await read('t.json', text, 7, { maxRowBytes: 50 }))).toEqual([
      [1, { a: 1 }],
      [2, 'must be a JSON object'],
      [3, 'is not valid JSON'],
      [4, TOO_LONG],
      [5, NO_NAMES],
      [6, { d: 1 }],
    ]);
  });

  it.each([
    ['[{"a":1},{"b":', [2, 'is cut off: the list ends inside it']],
    ['[{"a":1},', [2, 'is missing: the list is cut off']],
    ['[{"a":1}', [1, 'is cut off: the list ends inside it']],
    ['[{"a":1}] {"b":2} {', [2, 'is not read: the list ends before it']],
  ])('says where %j breaks', async (text, problem) => {
    expect(plain(await read('t.json', text)).at(-1)).toEqual(problem);
  });

  it('reads lines where a .json file holds them', async () => {
    expect(plain(await read('t.json', '{"a":1}\n{"a":2}\n'))).toEqual([
      [1, { a: 1 }],
      [2, { a: 2 }],
    ]);
  });

  it('is cut apart alike in any pieces', async () => {
    const part = fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', ' ', '"a"', '{"a":1}');
    const text = fc.array(part, { maxLength: 20 }).map((parts) => `[${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(text, async (source) => {
        expect(await read('t.json', source, 1)).toEqual(await read('t.json', source, 1000));
      }),
    );
  });
});

describe('separated values', () => {
  it('reads a header with empty and repeated names, short and long records', async () => {
    const text = 'a, b ,,a\n1,2\n1,2,3,4,,\n1,2,3,4,5\n';
    expect(plain(await read('t.csv', text))).toEqual([
      [2, { a: '1', b: '2', 'column 3': '', 'a (2)': '' }],
      [3, { a: '1', b: '2', 'column 3': '3', 'a (2)': '4' }],
      [4, 'has 5 cells under 4 columns'],
    ]);
  });

  it('reads tabs, semicolons, quotes across lines and CRLF', async () => {
    expect(plain(await read('t.tsv', '\ufeffq\ta\r\n"x\r\ny"\t2\r\n'))).toEqual([[2, { q: 'x\ny', a: '2' }]]);
    expect(plain(await read('t.csv', 'q;a\n"1;2";3'))).toEqual([[2, { q: '1;2', a: '3' }]]);
  });

  it('refuses a header it cannot read', async () => {
    await expect(read('t.csv', Uint8Array.of(0xff, 0x2c))).rejects.toMatchObject({
      code: 'data/dataset-table',
    });
    await expect(read('t.csv', ','.repeat(2000).replaceAll(',', 'x,'))).rejects.toThrow('more than 1000');
  });

  it('reads nothing from nothing', async () => {
    for (const name of ['t.csv', 't.json', 't.jsonl']) expect(await read(name, '')).toEqual([]);
  });
});
