// Whole imports: every way to hand a set over, bad rows listed one by one, and sets that are large or mean harm.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImportFile } from '../../../src/data/dataset/dataset_files';
import { type ImportedDataset, readDataset } from '../../../src/data/dataset/dataset_import';
import type { ImportProgress } from '../../../src/data/dataset/import_options';
import {
  importSurvivesMutation,
  importsRowByRow,
  parquetSurvivesMutation,
  readsAnyText,
} from '../../harness/fuzz_properties';
import { buildZip, jsonLines, sampleFile, samplePng, setWithTwoBadRows, zipOf } from './dataset_samples';

const ROW = { image: 'a.png', question: 'How many?', answer: '3' };
const GUESS = { mapping: null };

async function pictures(set: ImportedDataset): Promise<Uint8Array[]> {
  return Promise.all(set.rows.map(async ({ image }) => new Uint8Array(await (await image()).arrayBuffer())));
}

/** One table beside one picture. */
const withTable = (table: string | Uint8Array, name = 't.jsonl'): ImportFile[] => [
  sampleFile(name, table),
  sampleFile('a.png', samplePng(1)),
];

describe('readDataset', () => {
  it('reads a folder and the same as a zip, and lists the two bad rows', async () => {
    const folder = setWithTwoBadRows();
    for (const files of [folder, [await zipOf(folder)]]) {
      const set = await readDataset(files, GUESS);
      expect(set).toMatchObject({
        table: 'set/train.jsonl',
        columns: ['image', 'question', 'answer', 'response'],
        mapping: { image: 'image', question: 'question', answer: 'answer', response: 'response' },
        moreProblems: 0,
      });
      expect(set.problems).toEqual([
        { file: 'set/train.jsonl', row: 2, reason: 'image "images/missing.png" is not among the files' },
        { file: 'set/train.jsonl', row: 4, reason: 'has no answer' },
      ]);
      expect(set.rows.map(({ row }) => row)).toEqual([1, 3, 5, 6, 7, 8]);
      expect(set.rows[1]).toMatchObject({
        question: 'how many red squares are there?',
        answer: '1',
        response: '<think> i see 1 red squares . </think> \\boxed{ 1 }',
        imageName: 'set/images/1.png',
      });
      expect(await pictures(set)).toEqual([0, 1, 2, 3, 4, 5].map((i) => samplePng(i, 16)));
      expect((await set.rows[0]?.image())?.type).toBe('image/png');
    }
  });

  it('keeps the other columns of rows, and warns of those that it leaves out', async () => {
    const row = { image: 'a.png', question: 'q', answer: '1', level: 1 };
    const rows = [row, { ...row, answer: '1.0', level: { of: [2] }, log: 'x'.repeat(20_000) }];
    const set = await readDataset(withTable(`${JSON.stringify(rows)}`, 't.json'), GUESS);
    expect(set.rows.map(({ columns }) => columns)).toEqual([{ level: 1 }, { level: { of: [2] } }]);
    expect(set.warnings).toEqual([
      {
        kind: 'columns',
        file: 't.json',
        row: 2,
        reason: expect.stringMatching(/"log".*19\.5 KiB.*16\.0 KiB/),
      },
    ]);
    const table = await readDataset(
      withTable('image,question,answer,level\na.png,q,1,hard\n', 't.csv'),
      GUESS,
    );
    expect(table.rows[0]?.columns).toEqual({ level: 'hard' });
  });

  it('reads a JSON list, CSV and TSV alike', async () => {
    const rows = [
      [1, 'How many, "really"?', '3'],
      [2, 'Which?', 'red'],
    ] as const;
    const json = JSON.stringify(rows.map(([, question, answer]) => ({ image: 'A.PNG', question, answer })));
    const csv = `image,question,answer\r\n${rows.map(([, q, a]) => `a.png,"${q.replaceAll('"', '""')}",${a}\r\n`).join('')}`;
    for (const [name, text, first] of [
      ['t.json', json, 1],
      ['t.csv', csv, 2],
      ['t.tsv', csv.replace(/,(?! )/g, '\t'), 2],
    ] as const) {
      const set = await readDataset(withTable(text, name), GUESS);
      expect(set.problems).toEqual([]);
      expect(set.rows.map(({ question, answer }) => [question, answer])).toEqual(
        rows.map(([, q, a]) => [q, a]),
      );
      expect(set.rows.map(({ row }) => row)).toEqual([first, first + 1]);
    }
  });

  it('reads pictures that stand in the table', async () => {
    const base64 = Buffer.from(samplePng(7)).toString('base64');
    const table = [
      { ...ROW, image: `data:image/png;base64,${base64}` },
      { ...ROW, image: { bytes: base64, path: 'x/seven.png' } },
      { ...ROW, image: base64 },
      { ...ROW, image: 'data:image/png;base64,AAAA' },
      { ...ROW, image: `data:image/png;base64,${base64.slice(0, 60)}*` },
      { ...ROW, image: { bytes: base64.slice(0, -16), path: 'cut.png' } },
    ];
    const set = await readDataset([sampleFile('t.jsonl', jsonLines(table))], GUESS);
    expect(set.rows.map(({ imageName }) => imageName)).toEqual(['row 1', 'seven.png', 'row 3']);
    expect(await pictures(set)).toEqual([7, 7, 7].map((seed) => samplePng(seed)));
    expect(set.problems.map(({ row, reason }) => [row, reason])).toEqual([
      [4, 'image "row 4" is not a PNG, JPEG, GIF, WebP, BMP or AVIF picture'],
      [5, 'image "row 5" is not valid base64'],
      [6, 'image "cut.png" is cut off'],
    ]);
  });

  it('follows a given mapping', async () => {
    const table = jsonLines([
      { pic: 'a.png', image: 'no', q: 'What?', steps: 'so \\boxed{4}', __proto__: 1 },
    ]);
    const mapping = {
      image: 'pic',
      question: 'q',
      answer: null,
      response: 'steps',
      system: null,
      options: [],
    };
    const set = await readDataset(withTable(table), { mapping });
    expect(set.mapping).toEqual(mapping);
    expect(set.rows).toMatchObject([{ question: 'What?', answer: '4', response: 'so \\boxed{4}' }]);
  });

  it('guesses again when later rows bring more columns', async () => {
    const table = jsonLines([ROW, { ...ROW, response: 'so \\boxed{5}' }]);
    const set = await readDataset(withTable(table), GUESS);
    expect(set.mapping.response).toBe('response');
    expect(set.rows.map(({ response }) => response)).toEqual([null, 'so \\boxed{5}']);
  });

  it('says what is wrong with the rows alone where none of them could be read', async () => {
    const table = Uint8Array.from('image,question,answer\na.png,Wie gro\xdf?,3\n', (char) =>
      char.charCodeAt(0),
    );
    const set = await readDataset(withTable(table, 't.csv'), GUESS);
    const reason = 'is not valid UTF-8: save the file as UTF-8';
    expect(set.problems).toEqual([{ file: 't.csv', row: 2, reason }]);
  });

  it('asks for the columns it cannot guess, and reads no row', async () => {
    const set = await readDataset(withTable(jsonLines([{ a: 'a.png', b: 'q', c: 3 }, 7])), GUESS);
    expect(set.columns).toEqual(['a', 'b', 'c']);
    expect(set.rows).toEqual([]);
    expect(set.problems[0]).toMatchObject({ file: 't.jsonl', row: null });
    expect(set.problems[0]?.reason).toContain(
      'no column holds the picture, the question, the answer or the response',
    );
    expect(set.problems[0]?.reason).toContain('(there are: a, b, c)');
    expect(set.problems[1]).toEqual({ file: 't.jsonl', row: 2, reason: 'must be a JSON object' });
  });

  it('checks a picture that many rows name once, and lists each of them when it is bad', async () => {
    const files = [
      ...withTable(jsonLines([ROW, { ...ROW, image: 'b.png' }, ROW, { ...ROW, image: 'b.png' }])),
      sampleFile('b.png', 'text'),
    ];
    const set = await readDataset(files, GUESS);
    expect(set.rows.map(({ row }) => row)).toEqual([1, 3]);
    expect(set.problems.map(({ row, reason }) => [row, reason])).toEqual([
      [2, 'image "b.png" is not a PNG, JPEG, GIF, WebP, BMP or AVIF picture'],
      [4, 'image "b.png" is not a PNG, JPEG, GIF, WebP, BMP or AVIF picture'],
    ]);
  });

  it('reports progress, and ends when its signal does', async () => {
    const seen: ImportProgress[] = [];
    await readDataset(setWithTwoBadRows(), { ...GUESS, onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ phase }) => phase)).toEqual(['table', 'images']);
    expect(seen.every(({ done, total }) => done === total)).toBe(true);
    const controller = new AbortController();
    const reading = readDataset(setWithTwoBadRows(), {
      ...GUESS,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(reading).rejects.toThrow('enough');
  });

  it.each<[string, ImportFile[], string, object]>([
    ['no files', [], 'data/dataset-empty', {}],
    ['no table', [sampleFile('a.png', samplePng())], 'data/dataset-table', {}],
    ['an empty table', withTable(''), 'data/dataset-empty', {}],
    ['blank lines', withTable('\ufeff\n\r\n  \n'), 'data/dataset-empty', {}],
    ['a header alone', withTable('image,question,answer\n', 't.csv'), 'data/dataset-empty', {}],
    ['UTF-32', withTable(Uint8Array.of(0xff, 0xfe, 0, 0)), 'data/dataset-table', {}],
    ['too large a table', withTable(jsonLines([ROW])), 'data/dataset-size', { maxTableBytes: 10 }],
    ['too many rows', withTable(jsonLines([ROW, ROW])), 'data/dataset-size', { maxRows: 1 }],
    ['too many bytes', withTable(jsonLines([ROW])), 'data/dataset-size', { maxTotalBytes: 10 }],
    ['no zip', [sampleFile('a.zip', 'PK\x03\x04 and then nothing')], 'data/zip', {}],
  ])('throws for %s', async (_, files, code, limits) => {
    await expect(readDataset(files, { ...GUESS, limits })).rejects.toMatchObject({ code });
  });
});

describe('hostile sets', () => {
  it('reads nothing from outside a zip, through links or encrypted', async () => {
    const png = samplePng();
    const table = jsonLines(
      ['../a.png', '/a.png', 'link.png', 'secret.png', 'good.png'].map((image) => ({ ...ROW, image })),
    );
    const zip = buildZip([
      { name: 't.jsonl', data: table },
      { name: '../a.png', data: png },
      { name: 'link.png', data: '/etc/passwd', unixMode: 0o120777 },
      { name: 'secret.png', data: png, flags: 0x801 },
      { name: 'good.png', data: png },
    ]);
    const set = await readDataset([sampleFile('set.zip', zip)], GUESS);
    expect(set.rows.map(({ imageName }) => imageName)).toEqual(['good.png']);
    expect(set.problems.filter(({ row }) => row === null)).toHaveLength(3);
    expect(set.problems.filter(({ row }) => row !== null).map(({ row }) => row)).toEqual([1, 2, 3, 4]);
  });

  it('throws for a table whose checksum is wrong, and lists pictures that cannot be inflated', async () => {
    const entries = (crc?: number) => [
      { name: 't.jsonl', data: jsonLines([ROW]), ...(crc === undefined ? {} : { crc }) },
      { name: 'a.png', data: samplePng(), raw: Uint8Array.of(7, 7, 7) },
    ];
    const bad = readDataset([sampleFile('s.zip', buildZip(entries(1)))], GUESS);
    await expect(bad).rejects.toMatchObject({ code: 'data/zip' });
    const set = await readDataset([sampleFile('s.zip', buildZip(entries()))], GUESS);
    expect(set.problems).toMatchObject([{ row: 1, reason: expect.stringContaining('is damaged') }]);
  });

  it('finds damage behind a good header: of a small picture at once, of a large one when it is read', async () => {
    const large = Uint8Array.from([
      ...samplePng(),
      ...Array.from({ length: 40_000 }, (_, i) => (i * i * 31) >> 5),
    ]);
    const zip = buildZip([
      { name: 't.jsonl', data: jsonLines([ROW, { ...ROW, image: 'b.png' }]) },
      { name: 'a.png', data: samplePng(), crc: 1 },
      { name: 'b.png', data: large, store: true, crc: 1 },
    ]);
    const set = await readDataset([sampleFile('s.zip', zip)], GUESS);
    expect(set.problems).toMatchObject([{ row: 1, reason: expect.stringContaining('checksum differs') }]);
    expect(set.rows.map(({ row }) => row)).toEqual([2]);
    await expect(set.rows[0]?.image()).rejects.toMatchObject({ code: 'data/zip' });
  });

  it('stops a table that inflates beyond its cap or its ratio', async () => {
    const blank = ' '.repeat(3_000_000);
    const zip = buildZip([{ name: 't.jsonl', data: `${blank}\n${jsonLines([ROW])}` }]);
    await expect(readDataset([sampleFile('s.zip', zip)], GUESS)).rejects.toThrow('inflates');
    const limits = { maxRatio: 1e6, maxTableBytes: 2_000_000 };
    await expect(readDataset([sampleFile('s.zip', zip)], { ...GUESS, limits })).rejects.toThrow('2.9 MiB');
  });

  it('takes names of every object as columns', async () => {
    const table = '{"__proto__":{"image":"a.png"},"constructor":1,"question":"q","answer":"a"}\n';
    const set = await readDataset(withTable(table), GUESS);
    expect(set.columns).toEqual(['__proto__', 'constructor', 'question', 'answer']);
    expect(set.mapping.image).toBeNull();
    expect(({} as Record<string, unknown>).image).toBeUndefined();
  });

  it('keeps the list of columns and of problems small', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      [`c${i}`]: 1,
      image: 'no.png',
      question: 'q',
      answer: 'a',
    }));
    const set = await readDataset(withTable(jsonLines(rows)), GUESS);
    expect(set.columns).toHaveLength(200);
    expect(set.problems).toHaveLength(1000);
    expect(set.moreProblems).toBe(2000);
  });

  it('survives damaged zips and strange lines', async () => {
    await fc.assert(importSurvivesMutation(), { numRuns: 60 });
    await fc.assert(await parquetSurvivesMutation(), { numRuns: 60 });
    await fc.assert(readsAnyText(), { numRuns: 100 });
    await fc.assert(importsRowByRow(), { numRuns: 150 });
  });
});

describe('options and warnings', () => {
  const asked = { image: 'a.png', question: 'Which?', choices: ['red', 'blue', 'green'] };

  it('takes numbers of options when all rows together tell where they begin', async () => {
    const read = async (...answers: number[]) => {
      const set = await readDataset(
        withTable(jsonLines(answers.map((answer) => ({ ...asked, answer })))),
        GUESS,
      );
      return [set.rows.map(({ answer }) => answer), set.problems.map(({ row }) => row)];
    };
    expect(await read(0, 2, 1)).toEqual([['A', 'C', 'B'], []]);
    expect(await read(3, 1, 2)).toEqual([['C', 'A', 'B'], []]);
    expect(await read(1, 2)).toEqual([[], [1, 2]]);
  });

  it('warns of rows, ids and answers that may not be meant', async () => {
    const rows = [
      { id: 1, ...ROW },
      { id: 2, ...ROW },
      { id: 2, ...ROW, question: 'Which?' },
      { id: 4, ...ROW, answer: '4' },
      { id: 5, ...ROW, question: 'And?', response: 'so \\boxed{7}' },
      { id: 6, ...ROW, question: 'Or?', response: 'so \\boxed{3.0}' },
    ];
    const { warnings, rows: usable } = await readDataset(withTable(jsonLines(rows)), GUESS);
    expect(usable).toHaveLength(6);
    expect(warnings.map(({ kind, row }) => [kind, row])).toEqual([
      ['duplicate', 2],
      ['id', 3],
      ['contradiction', 4],
      ['contradiction', 5],
    ]);
    expect(warnings[2]?.reason).toContain('expects "4" instead of "3"');
    expect(warnings[3]?.reason).toContain('puts "7" into the box');
  });

  it('knows equal inline pictures from different ones', async () => {
    const url = (seed: number) => `data:image/png;base64,${Buffer.from(samplePng(seed)).toString('base64')}`;
    const rows = [1, 2, 1].map((seed) => ({ ...ROW, image: url(seed) }));
    const { warnings } = await readDataset([sampleFile('t.jsonl', jsonLines(rows))], GUESS);
    expect(warnings.map(({ kind, row, reason }) => [kind, row, reason])).toEqual([
      ['duplicate', 3, 'is the same as row 1'],
    ]);
  });

  it('takes a split by its usual name, too, and tells which was read', async () => {
    const inside = withTable(
      JSON.stringify({ test: [ROW], train: [{ ...ROW, answer: '5' }, ROW] }),
      't.json',
    );
    const guessed = await readDataset(inside, GUESS);
    expect([guessed.choice, guessed.found]).toEqual(['t.json#train', 2]);
    const chosen = await readDataset(inside, { ...GUESS, table: 'test' });
    expect([chosen.choice, chosen.found]).toEqual(['t.json#test', 1]);
    const beside = [
      ...withTable(jsonLines([ROW]), 'my_val.jsonl'),
      sampleFile('train.jsonl', jsonLines([ROW])),
    ];
    expect((await readDataset(beside, { ...GUESS, table: 'validation' })).choice).toBe('my_val.jsonl');
  });
});

describe('a large set', () => {
  it('reads each of 10⁵ rows once and a little of each picture', async () => {
    const [count, images] = [100_000, 100];
    const table = jsonLines(
      Array.from({ length: count }, (_, i) =>
        i % 10 === 9
          ? { image: 'x/none.png', question: 'q' }
          : { image: `x/${i % images}.png`, question: `q ${i}`, answer: i },
      ),
    );
    let read = 0;
    const watched = (path: string, content: string | Uint8Array): ImportFile => {
      const file = sampleFile(path, content);
      const slice = file.blob.slice.bind(file.blob);
      file.blob.slice = (from, to, type) => {
        const part = slice(from, to, type);
        read += part.size;
        return part;
      };
      return file;
    };
    const png = samplePng(1, 64);
    const files = [watched('t.jsonl', table)];
    for (let i = 0; i < images; i++) files.push(watched(`x/${i}.png`, png));
    const set = await readDataset(files, GUESS);
    expect(set.rows).toHaveLength(count * 0.9);
    expect(set.rows.at(-1)).toMatchObject({ row: 99_999, question: 'q 99998', answer: '99998' });
    expect(set.problems).toHaveLength(1000);
    expect(set.moreProblems).toBe(count * 0.1 - 1000);
    // The table once, and no more than the beginning of each picture that is named.
    expect(read).toBeLessThanOrEqual(table.length + images * 2048);
  });
});

describe('tables to choose from', () => {
  const row = (question: string) => ({ ...ROW, question });
  const files = (...tables: readonly ImportFile[]): ImportFile[] => [
    ...tables,
    sampleFile('a.png', samplePng()),
  ];

  it('reads the training split, another one when asked, and counts all', async () => {
    const all = files(
      sampleFile('test.jsonl', jsonLines([row('t1'), row('t2')])),
      sampleFile('train.jsonl', jsonLines([row('x')])),
    );
    const train = await readDataset(all, GUESS);
    expect(train.table).toBe('train.jsonl');
    expect(train.tables).toEqual([
      { name: 'train.jsonl', rows: 1 },
      { name: 'test.jsonl', rows: 2 },
    ]);
    expect(train.problems).toEqual([]);
    const test = await readDataset(all, { ...GUESS, table: 'test.jsonl' });
    expect(test.rows.map(({ question }) => question)).toEqual(['t1', 't2']);
    await expect(readDataset(all, { ...GUESS, table: 'dev' })).rejects.toThrow(
      'there are train.jsonl, test.jsonl',
    );
  });

  it('offers the splits inside one JSON file', async () => {
    const all = files(
      sampleFile('t.json', JSON.stringify({ train: [row('x')], test: [row('y'), row('z')] })),
    );
    const train = await readDataset(all, GUESS);
    expect(train.tables).toEqual([
      { name: 't.json#train', rows: 1 },
      { name: 't.json#test', rows: 2 },
    ]);
    expect(train.rows.map(({ question }) => question)).toEqual(['x']);
    const test = await readDataset(all, { ...GUESS, table: 't.json#test' });
    expect(test.rows.map(({ question }) => question)).toEqual(['y', 'z']);
  });

  it('names the file of each bad row where several files are one table', async () => {
    const { rows, problems } = await readDataset(
      files(
        sampleFile('x.jsonl', jsonLines([row('1'), {}])),
        sampleFile('y.jsonl', jsonLines([row('2'), {}])),
      ),
      GUESS,
    );
    expect(rows).toHaveLength(2);
    expect(problems.map(({ file, row: line }) => [file, line])).toEqual([
      ['x.jsonl', 2],
      ['y.jsonl', 2],
    ]);
  });

  it('reads Parquet with embedded pictures', async () => {
    const bytes = readFileSync(new URL('../../fixtures/tables/embedded.parquet', import.meta.url));
    const name = 'data/train-00000-of-00001.parquet';
    const { rows, problems, table } = await readDataset([sampleFile(name, Uint8Array.from(bytes))], GUESS);
    expect(problems).toEqual([]);
    expect(table).toBe('data/train');
    expect(rows.map(({ answer }) => answer)).toEqual(['red', 'green', 'blue', 'red', 'green']);
    expect((await rows[0]!.image()).type).toBe('image/png');
    expect(rows[0]!.imageName).toBe('red.png');
  });

  it('reads folders of pictures by class', async () => {
    const { rows, problems } = await readDataset(
      [sampleFile('train/cat/1.png', samplePng(1)), sampleFile('train/dog/1.png', samplePng(2))],
      GUESS,
    );
    expect(problems).toEqual([]);
    expect(rows.map(({ answer, imageName }) => [answer, imageName])).toEqual([
      ['cat', 'train/cat/1.png'],
      ['dog', 'train/dog/1.png'],
    ]);
  });
});

describe('chats', () => {
  it('makes rows of rounds, and answers of short replies', async () => {
    const turn = (from: string, value: string) => ({ from, value });
    const chat = [
      turn('human', '<image>\nIs it red?'),
      turn('gpt', 'Yes'),
      turn('human', 'Why?'),
      turn('gpt', 'It is so. '.repeat(20)),
    ];
    const { rows, problems, found } = await readDataset(
      [
        sampleFile('t.json', JSON.stringify([{ id: 1, image: 'a.png', conversations: chat }])),
        sampleFile('a.png', samplePng()),
      ],
      GUESS,
    );
    expect(rows.map(({ row, question, answer }) => [row, question, answer])).toEqual([
      [1, 'Is it red?', 'Yes'],
    ]);
    expect(problems).toEqual([
      {
        file: 't.json',
        row: 1,
        reason: 'has no answer, and its response no \\boxed{}: choose the column that holds the answer',
      },
    ]);
    expect(found).toBe(2);
  });
});
