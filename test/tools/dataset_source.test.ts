// Data sets on disk: a table, a folder and a zip read alike; what is no regular file, is missing or lies outside is
// refused by name; nothing but the named folder is opened.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDatasetPath, readDatasetPath } from '../../tools/dataset_source';
import { jsonLines, samplePng, setWithTwoBadRows, zipOf } from '../data/dataset/dataset_samples';

const root = mkdtempSync(join(tmpdir(), 'look-back-data-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Uint8Array): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

const ROW = { image: 'a.png', question: 'How many?', answer: '3' };
const read = async (path: string) => (await readDatasetPath(path, { mapping: null })).set;
const reasons = async (path: string) => (await read(path)).problems.map(({ reason }) => reason);

describe('readDatasetPath', () => {
  it('reads a table, its folder and a zip of it alike', async () => {
    const files = setWithTwoBadRows();
    for (const { path, blob } of files) write(path, new Uint8Array(await blob.arrayBuffer()));
    const zip = await zipOf(files);
    write(zip.path, new Uint8Array(await zip.blob.arrayBuffer()));
    for (const path of ['set', 'set/train.jsonl', 'set.zip']) {
      const set = await read(join(root, path));
      expect([path, set.found, set.rows.map(({ row }) => row)]).toEqual([path, 8, [1, 3, 5, 6, 7, 8]]);
      expect(set.problems.map(({ row }) => row)).toEqual([2, 4]);
      const picture = await set.rows[1]?.image();
      expect(new Uint8Array((await picture?.arrayBuffer()) ?? [])).toEqual(samplePng(1, 16));
    }
  });

  it('looks beside a table in other case, and not outside of its folder', async () => {
    write('outside.png', samplePng(1));
    write('case/Images/A.PNG', samplePng(2));
    write('case/a.png', samplePng(3));
    const images = ['images/a.png', 'A.png', '../outside.png', 'images', 'a.png/b.png'];
    const table = write('case/t.jsonl', jsonLines(images.map((image) => ({ ...ROW, image }))));
    const set = await read(table);
    expect(set.rows.map(({ row }) => row)).toEqual([1, 2]);
    expect(set.problems.map(({ row, reason }) => [row, reason])).toEqual([
      [3, 'image "../outside.png" is not among the files'],
      [4, 'image "images" is not among the files'],
      [5, 'image "a.png/b.png" is not among the files'],
    ]);
  });

  it('scans nothing around a table that was named alone', async () => {
    write('high/t.jsonl', jsonLines([ROW]));
    write('high/a.png', samplePng(1));
    write('high/other.jsonl', 'not read');
    // A scan of the folder would meet these.
    symlinkSync('/', join(root, 'high/everything'));
    const { opened, set } = await readDatasetPath(join(root, 'high/t.jsonl'), { mapping: null });
    expect([set.rows.length, set.problems, opened.files.length, opened.notes]).toEqual([1, [], 1, []]);
  });

  it('does not follow links to folders, and says so', async () => {
    write('linked/t.jsonl', jsonLines([ROW]));
    write('linked/a.png', samplePng(1));
    symlinkSync(root, join(root, 'linked/loop'));
    const { opened, set } = await readDatasetPath(join(root, 'linked'), { mapping: null });
    expect(set.rows).toHaveLength(1);
    expect(opened.notes).toEqual([{ file: 'loop', reason: 'is a link to a folder, which is not followed' }]);
  });

  it('reads a table high up, whose pictures are not there, row by row', async () => {
    const table = write('t.jsonl', jsonLines([{ ...ROW, image: 'nowhere.png' }]));
    expect(await reasons(table)).toEqual(['image "nowhere.png" is not among the files']);
  });
});

describe('openDatasetPath', () => {
  it.each([
    ['nothing', join(root, 'missing.jsonl'), 'there is no such file or folder'],
    ['a path through a file', join(root, 'case/t.jsonl/x'), 'there is no such file or folder'],
    ['a device', '/dev/zero', 'is neither a file nor a folder'],
  ])('refuses %s by name', async (_, path, reason) => {
    write('case/t.jsonl', '');
    await expect(openDatasetPath(path)).rejects.toMatchObject({
      code: 'data/dataset-read',
      message: expect.stringContaining(reason),
    });
    await expect(openDatasetPath(path)).rejects.toThrow(path);
  });
});
