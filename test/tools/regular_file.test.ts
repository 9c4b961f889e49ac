// What a command line may read: regular files, up to a limit.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRegularFile, regularFileSize } from '../../tools/regular_file';

describe('readRegularFile', () => {
  it('reads a file, and refuses devices, folders, what is missing and what is too large', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'regular-'));
    const file = join(folder, 'a');
    await writeFile(file, Uint8Array.of(1, 2, 3));
    expect([...(await readRegularFile(file))]).toEqual([1, 2, 3]);
    expect(await regularFileSize(file)).toBe(3);
    await expect(readRegularFile(file, 2)).rejects.toThrow('up to');
    await expect(readRegularFile('/dev/zero')).rejects.toMatchObject({ code: 'data/file' });
    await expect(readRegularFile(folder)).rejects.toThrow('is a folder');
    await expect(readRegularFile(join(file, 'b'))).rejects.toThrow('no such file');
  });
});
