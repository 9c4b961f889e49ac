// Which tables the files of an import hold, and which is read first.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ImportFile, openFiles } from '../../../src/data/dataset/dataset_files';
import {
  countRows,
  type DatasetTable,
  findTables,
  listUnread,
} from '../../../src/data/dataset/dataset_tables';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { ProblemList } from '../../../src/data/dataset/import_problems';
import { sampleFile } from './dataset_samples';

async function find(...files: readonly (string | ImportFile)[]): Promise<readonly DatasetTable[]> {
  const all = files.map((file) => (typeof file === 'string' ? sampleFile(file, '{"a":1}\n') : file));
  return findTables(await openFiles(all, IMPORT_LIMITS, new ProblemList(10)));
}

const names = (tables: readonly DatasetTable[]): string[] => tables.map(({ name }) => name);

/** Rows of a table as plain data. */
async function rows(table: DatasetTable): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const part of table.parts) {
    await part.read(
      IMPORT_LIMITS,
      (row) => all.push('values' in row ? Object.fromEntries(row.values) : row),
      {},
    );
  }
  return all;
}

describe('findTables', () => {
  it('finds the one there is; system files and what libraries keep do not count', async () => {
    const found = await find(
      's/T.JSONL',
      '__MACOSX/s/._T.jsonl',
      's/.cache/x.json',
      's/a.png',
      's/state.json',
    );
    expect(names(found)).toEqual(['s/T.JSONL']);
  });

  it('puts the training split first, then what is no split', async () => {
    expect(names(await find('test.jsonl', 'train.jsonl', 'val.jsonl'))).toEqual([
      'train.jsonl',
      'test.jsonl',
      'val.jsonl',
    ]);
    expect(names(await find('set/test/metadata.csv', 'set/train/metadata.csv'))[0]).toBe(
      'set/train/metadata.csv',
    );
    expect(names(await find('test.jsonl', 'other.jsonl'))[0]).toBe('other.jsonl');
  });

  it('joins shards in their order', async () => {
    const found = await find(
      sampleFile('data/train-00001-of-00002.jsonl', '{"a":2}'),
      sampleFile('data/train-00000-of-00002.jsonl', '{"a":1}'),
      sampleFile('data/test-00000-of-00001-0123abcd.jsonl', '{"a":3}'),
    );
    expect(names(found)).toEqual(['data/train', 'data/test']);
    expect(await rows(found[0]!)).toEqual([{ a: 1 }, { a: 2 }]);
    expect(await countRows(found[0]!, IMPORT_LIMITS)).toBe(2);
  });

  it('reads several files of one form and no split together, and each alone', async () => {
    const found = await find('d/b.jsonl', 'd/a.jsonl');
    expect(names(found)).toEqual(['d/*.jsonl', 'd/a.jsonl', 'd/b.jsonl']);
    expect(await countRows(found[0]!, IMPORT_LIMITS)).toBe(2);
    // Of different forms, the first is read.
    expect(names(await find('b.jsonl', 'a.csv', 'c.json'))).toEqual(['a.csv', 'b.jsonl', 'c.json']);
  });

  it('lists what is neither read nor a split', async () => {
    const problems = new ProblemList(10);
    const found = await find('t.csv', 'info.json', 'test.csv');
    listUnread(found, found[0]!, problems);
    expect(problems.sorted()).toEqual([
      { file: 'info.json', row: null, reason: 'was not read: the rows come from t.csv' },
    ]);
  });

  it('reads gzipped tables', async () => {
    const [table] = await find(sampleFile('train.jsonl.gz', gzipSync('{"a":1}\n{"a":2}\n')));
    expect(await rows(table!)).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it("obeys LLaMA-Factory's dataset_info.json", async () => {
    const info = {
      mine: {
        file_name: 'x.json',
        formatting: 'sharegpt',
        columns: { messages: 'chat', images: 'pics' },
      },
      plain: { file_name: 'y.json', columns: { prompt: 'ask', system: 'told' } },
      elsewhere: { hf_hub_url: 'a/b' },
      absent: { file_name: 'z.json' },
    };
    const found = await find(
      'data/x.json',
      'data/y.json',
      sampleFile('data/dataset_info.json', JSON.stringify(info)),
    );
    expect(names(found)).toEqual(['mine', 'plain']);
    expect(found[0]?.columns).toEqual({ image: 'pics', question: 'chat', response: 'chat', system: null });
    expect(found[1]?.columns).toEqual({
      ...{ image: 'images', question: 'ask', response: 'output', system: 'told' },
    });
    // The `datasets` library has a file of the same name.
    expect(names(await find('a.jsonl', sampleFile('dataset_info.json', '{"features":{}}')))).toEqual([
      'a.jsonl',
    ]);
    expect(names(await find('a.jsonl', sampleFile('dataset_info.json', '{')))).toEqual(['a.jsonl']);
  });

  it('reads folders of pictures by class, in their splits', async () => {
    const found = await find('s/test/dog/3.jpg', 's/train/cat/1.png', 's/train/dog/2.png', 's/readme.md');
    expect(names(found)).toEqual(['train', 'test']);
    const question = 'What is in the picture? Answer with one of: cat, dog.';
    expect(await rows(found[0]!)).toEqual([
      { image: 's/train/cat/1.png', question, label: 'cat' },
      { image: 's/train/dog/2.png', question, label: 'dog' },
    ]);
    expect(names(await find('cat/1.png', 'dog/2.png'))).toEqual(['train']);
  });

  it.each<[string[], string]>([
    [['a.png'], 'There is no table'],
    [['train/1.png', 'test/2.png'], 'There is no table'],
    [['a.xlsx', 'b.png'], 'Not read: a.xlsx; export it as JSON lines'],
    [['data-00000-of-00001.arrow', 'state.json'], 'write it with to_parquet'],
    [['x.tar.gz'], 'unpack it'],
  ])('says what it needs: %j', async (files, message) => {
    await expect(find(...files)).rejects.toThrow(message);
  });
});
