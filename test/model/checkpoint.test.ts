// Single files and shards give the same weights; broken folders are refused by name.
import { describe, expect, it } from 'vitest';
import { type CheckpointFiles, openCheckpoint, parseShardIndex } from '../../src/model/checkpoint';
import { memorySource, type TensorData, writeSafetensors } from '../../src/model/safetensors';
import { loadFixture } from '../harness/fixture';

const INDEX = 'model.safetensors.index.json';

function folder(files: Record<string, Uint8Array | object>): CheckpointFiles {
  return {
    open: async (name) => {
      const content = Object.hasOwn(files, name) ? files[name] : undefined;
      if (content === undefined) return null;
      const bytes =
        content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
      return memorySource(name, bytes);
    },
  };
}

const tensor = (name: string, fill: number): TensorData => {
  return { name, dtype: 'U8', shape: [2], bytes: new Uint8Array(2).fill(fill) };
};
const A = 'model-00001-of-00002.safetensors';
const B = 'model-00002-of-00002.safetensors';

describe('openCheckpoint', () => {
  it('reads shards to the same weights as the single file', async () => {
    const dir = 'tiny-qwen2_5_vl';
    const single = await openCheckpoint(
      folder({ 'model.safetensors': await loadFixture(`${dir}/model.safetensors`) }),
    );
    const names = [INDEX, A, B];
    const shards = await Promise.all(names.map((name) => loadFixture(`${dir}/variants/sharded/${name}`)));
    const sharded = await openCheckpoint(
      folder(Object.fromEntries(names.map((name, i) => [name, shards[i] as Uint8Array]))),
    );
    expect([...sharded.tensors.keys()].sort()).toEqual([...single.tensors.keys()].sort());
    expect(new Set([...sharded.tensors.keys()].map((name) => sharded.fileOf(name)))).toEqual(new Set([A, B]));
    for (const name of single.tensors.keys())
      expect(await sharded.read(name)).toEqual(await single.read(name));
    await expect(single.read('nothing')).rejects.toThrow('tensor "nothing" is missing');
  });

  const good = { [A]: writeSafetensors([tensor('a', 1)]), [B]: writeSafetensors([tensor('b', 2)]) };
  const index = (map: object): object => ({ weight_map: map });

  const broken: [string, Record<string, Uint8Array | object>, string][] = [
    ['no weights', {}, 'model.safetensors: is missing, and so is'],
    [
      'both layouts',
      { 'model.safetensors': good[A] as Uint8Array, [INDEX]: index({ a: A }) },
      'remove one of them',
    ],
    ['missing shard', { [INDEX]: index({ a: A, b: B }), [A]: good[A] as Uint8Array }, `${B}: is missing`],
    ['wrong shard', { ...good, [INDEX]: index({ a: B, b: B }) }, `${B}: tensor "a" is missing`],
    ['swapped shards', { ...good, [INDEX]: index({ a: B, b: A }) }, `the index is wrong, it is in ${A}`],
    ['missing tensor', { ...good, [INDEX]: index({ a: A, b: B, c: B }) }, 'tensor "c" is missing'],
    [
      'unlisted tensor',
      { ...good, [B]: writeSafetensors([tensor('b', 2), tensor('c', 3)]), [INDEX]: index({ a: A, b: B }) },
      'does not place there: c',
    ],
    [
      'tensor in two shards',
      { ...good, [B]: writeSafetensors([tensor('b', 2), tensor('a', 3)]), [INDEX]: index({ a: A, b: B }) },
      'does not place there: a',
    ],
    ['path traversal', { ...good, [INDEX]: index({ a: `../${A}` }) }, 'not a plain .safetensors file'],
    ['absolute path', { ...good, [INDEX]: index({ a: '/etc/x.safetensors' }) }, 'not a plain'],
    ['URL', { ...good, [INDEX]: index({ a: 'https://x.safetensors' }) }, 'not a plain'],
    ['dots', { ...good, [INDEX]: index({ a: 'a..safetensors' }) }, 'not a plain'],
    ['shard not a string', { ...good, [INDEX]: index({ a: 7 }) }, 'not a plain'],
    ['empty index', { [INDEX]: index({}) }, 'weight_map is missing or empty'],
    ['index without map', { [INDEX]: {} }, 'weight_map is missing or empty'],
  ];
  it.each(broken)('refuses: %s', async (_, files, message) => {
    await expect(openCheckpoint(folder(files))).rejects.toThrow(message);
    await expect(openCheckpoint(folder(files))).rejects.toMatchObject({ code: 'model/checkpoint' });
  });

  it('refuses an index with a tensor listed twice, or that is no JSON', () => {
    expect(() => parseShardIndex(`{"weight_map":{"a":"${A}","a":"${B}"}}`)).toThrow('duplicate key "a"');
    expect(() => parseShardIndex('{')).toThrow('is not valid JSON');
  });
});
