// Fingerprints of base models: one file as sha256sum prints it, shards whatever their order, computed once.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/model/safetensors';
import type { ModelFiles } from '../../../src/model/vision_language_model';
import { baseFingerprint, commitOf } from '../../../src/services/answers/base_fingerprint';

function filesOf(contents: Record<string, string>): { files: ModelFiles; opened: string[] } {
  const opened: string[] = [];
  const open: ModelFiles['open'] = async (name) => {
    opened.push(name);
    const text = contents[name];
    return text === undefined ? null : memorySource(name, new TextEncoder().encode(text));
  };
  return { files: { name: 'm', open }, opened };
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('baseFingerprint', () => {
  it('is the hash of a single file, computed once', async () => {
    const { files, opened } = filesOf({ 'model.safetensors': 'weights' });
    expect(await baseFingerprint(files)).toBe(sha('weights'));
    const before = opened.length;
    expect(await baseFingerprint(files)).toBe(sha('weights'));
    expect(opened).toHaveLength(before);
  });

  it('is the hash of the hashes of shards by name', async () => {
    const index = (names: string[]) =>
      JSON.stringify({ weight_map: Object.fromEntries(names.map((n, i) => [i, n])) });
    const shards = { 'a.safetensors': 'A', 'b.safetensors': 'B' };
    const one = filesOf({
      ...shards,
      'model.safetensors.index.json': index(['b.safetensors', 'a.safetensors']),
    });
    const two = filesOf({
      ...shards,
      'model.safetensors.index.json': index(['a.safetensors', 'b.safetensors']),
    });
    expect(await baseFingerprint(one.files)).toBe(sha(sha('A') + sha('B')));
    expect(await baseFingerprint(two.files)).toBe(await baseFingerprint(one.files));
  });

  it('reads a large file in pieces of 16 MiB', async () => {
    const bytes = new Uint8Array(2 ** 24 + 5).map((_, i) => i % 251);
    const lengths: number[] = [];
    const open: ModelFiles['open'] = async (name) => {
      if (name !== 'model.safetensors') return null;
      const read = async (begin: number, end: number) => {
        lengths.push(end - begin);
        return bytes.subarray(begin, end);
      };
      return { name, size: bytes.length, read };
    };
    expect(await baseFingerprint({ name: 'm', open })).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(lengths).toEqual([2 ** 24, 5]);
  });

  it('names a missing file, and tries again', async () => {
    const { files } = filesOf({
      'model.safetensors.index.json': JSON.stringify({ weight_map: { x: 'gone.safetensors' } }),
    });
    await expect(baseFingerprint(files)).rejects.toThrow(/no gone\.safetensors/);
    await expect(baseFingerprint(files)).rejects.toThrow(/no gone\.safetensors/);
  });
});

describe('commitOf', () => {
  const file = (name: string, sha256: string) => ({ name, bytes: 1, sha256 });
  const whole = {
    id: 'a/b',
    commit: 'one',
    files: [file('config.json', 'x'), file('model.safetensors', 'aa')],
  };
  const shards = ['model-00002-of-00002.safetensors', 'model-00001-of-00002.safetensors'];
  const cut = {
    id: 'a/b',
    commit: 'two',
    files: shards.map((name, at) => file(name, ['22', '11'][at] ?? '')),
  };

  it('finds the copy whose verified digests give the fingerprint, of one file or of shards in order', async () => {
    const joined = createHash('sha256').update('1122').digest('hex');
    expect(await commitOf([cut, whole], 'a/b', 'aa')).toBe('one');
    expect(await commitOf([whole, cut], 'a/b', joined)).toBe('two');
    expect(await commitOf([whole, cut], 'a/c', 'aa')).toBeNull();
    expect(await commitOf([whole, cut], 'a/b', 'bb')).toBeNull();
  });
});
