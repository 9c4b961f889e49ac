// Gzipped files read as the files they were.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openFiles, type SourceFile } from '../../../src/data/dataset/dataset_files';
import { unpackGzip } from '../../../src/data/dataset/gzip_file';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { ProblemList } from '../../../src/data/dataset/import_problems';
import { sampleFile } from './dataset_samples';

async function open(bytes: Uint8Array, path = 'a/t.jsonl.gz'): Promise<SourceFile> {
  const { files } = await openFiles([sampleFile(path, bytes)], IMPORT_LIMITS, new ProblemList(1));
  return unpackGzip(files[0]!);
}

async function text(file: SourceFile, maxBytes = 1e8): Promise<string> {
  return (await file.blob('', maxBytes)).text();
}

const LONG = Array.from({ length: 40_000 }, (_, i) => `line ${i * 7919}\n`).join('');

describe('unpackGzip', () => {
  it('reads one member, several, and none', async () => {
    const file = await open(gzipSync(LONG));
    expect(file.path).toBe('a/t.jsonl');
    expect((await text(file)) === LONG).toBe(true);
    expect(Buffer.from(await file.head(6)).toString()).toBe('line 0');
    const two = await open(Buffer.concat([gzipSync('a\n'), gzipSync('b\n')]));
    expect(await text(two)).toBe('a\nb\n');
    expect(await text(await open(gzipSync('')))).toBe('');
  });

  it('leaves other files alone', async () => {
    expect((await open(new Uint8Array(3), 't.jsonl')).path).toBe('t.jsonl');
  });

  it('stops at the limit, and says what is damaged', async () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 24));
    await expect(text(await open(bomb), 2 ** 20)).rejects.toMatchObject({ code: 'data/dataset-size' });
    await expect(text(await open(gzipSync(LONG).subarray(0, 1000)))).rejects.toMatchObject({
      code: 'data/dataset-read',
    });
    await expect(text(await open(Buffer.from('not gzip')))).rejects.toThrow('compress it again');
  });
});
