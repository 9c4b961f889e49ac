// Which file a row means, and which of the files is the table.
import { describe, expect, it } from 'vitest';
import {
  extensionOf,
  type FileSet,
  type ImportFile,
  openFiles,
} from '../../../src/data/dataset/dataset_files';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { ProblemList } from '../../../src/data/dataset/import_problems';
import { buildZip, sampleFile } from './dataset_samples';

const open = (files: readonly (string | ImportFile)[], problems = new ProblemList(10)): Promise<FileSet> =>
  openFiles(
    files.map((file) => (typeof file === 'string' ? sampleFile(file, file) : file)),
    IMPORT_LIMITS,
    problems,
  );

describe('openFiles', () => {
  it('lists what cannot be used', async () => {
    const problems = new ProblemList(10);
    const set = await open(['/a//./b.png', 'a\\b.png', '', '../x', 'more.zip'], problems);
    expect(set.files.map(({ path }) => path)).toEqual(['a/b.png', 'more.zip']);
    expect(problems.sorted().map(({ reason }) => reason)).toEqual([
      'appears twice',
      'has no usable name',
      'has no usable name',
      'is a zip among other files: choose it alone',
    ]);
  });

  it('looks into one zip, whatever its name, but not into zips inside', async () => {
    const inner = buildZip([{ name: 't.jsonl', data: '{}' }]);
    const problems = new ProblemList(10);
    const zip = sampleFile(
      'set.bin',
      buildZip([
        { name: 'inner.zip', data: inner },
        { name: '/abs.png', data: '' },
      ]),
    );
    await open([zip], problems);
    expect(problems.sorted().map(({ file, reason }) => `${file} ${reason}`)).toEqual([
      '/abs.png its name is an absolute path',
      'inner.zip is a zip inside a zip, which is not opened',
    ]);
  });

  it('refuses what holds nothing', async () => {
    await expect(open([])).rejects.toMatchObject({ code: 'data/dataset-empty' });
    await expect(open([sampleFile('a.zip', 'not a zip')])).rejects.toMatchObject({ code: 'data/zip' });
    const locked = sampleFile('a.zip', buildZip([{ name: 't.jsonl', data: '{}', flags: 1 }]));
    await expect(open([locked])).rejects.toThrow('t.jsonl is encrypted');
    const many = openFiles(
      [sampleFile('a', ''), sampleFile('b', '')],
      { ...IMPORT_LIMITS, maxFiles: 1 },
      new ProblemList(1),
    );
    await expect(many).rejects.toMatchObject({ code: 'data/dataset-size' });
  });
});

describe('files', () => {
  it('are read alike, loose and zipped', async () => {
    const text = 'hello '.repeat(1000);
    const zipped = sampleFile('x.zip', buildZip([{ name: 'a.txt', data: text }]));
    for (const set of [await open([sampleFile('a.txt', text), 'b.txt']), await open([zipped])]) {
      const file = set.files[0]!;
      expect(file.size).toBe(text.length);
      expect(Buffer.from(await file.head(5)).toString()).toBe('hello');
      expect(await (await file.blob('text/plain', 1e6)).text()).toBe(text);
      expect((await file.blob('text/plain', 1e6)).type).toBe('text/plain');
      await expect(file.blob('text/plain', 10)).rejects.toMatchObject({ code: 'data/dataset-size' });
    }
  });

  it('say so when they are gone', async () => {
    const blob = new Blob(['x']);
    blob.slice = () => {
      throw new DOMException('gone', 'NotReadableError');
    };
    await expect(open([{ path: 'a.jsonl', blob }])).rejects.toMatchObject({ code: 'data/dataset-read' });
  });
});

describe('extensionOf', () => {
  it.each([
    ['a/b.PNG', '.png'],
    ['a.b/c', ''],
    ['x.tar.gz', '.gz'],
  ])('%s', (path, extension) => expect(extensionOf(path)).toBe(extension));
});
