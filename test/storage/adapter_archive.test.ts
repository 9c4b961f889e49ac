// Adapter zips: ours come back the same, others' in a folder and compressed; hostile and incomplete ones are refused.
import { type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { packAdapter, readAdapterFiles, unpackAdapter } from '../../src/storage/adapter_archive';

const text = (words: string) => new TextEncoder().encode(words) as Uint8Array<ArrayBuffer>;
const CONFIG = text('{"peft_type": "LORA"}');
const WEIGHTS = Uint8Array.from({ length: 30_007 }, (_, i) => (i * i) >> 3);
const PAIR = { 'adapter_config.json': CONFIG, 'adapter_model.safetensors': WEIGHTS };

const unpack = (files: Zippable, limits?: Parameters<typeof unpackAdapter>[2]) =>
  unpackAdapter(new Blob([zipSync(files) as Uint8Array<ArrayBuffer>]), 'a.zip', limits);

describe('packAdapter', () => {
  it('is undone by unpackAdapter, and always gives the same bytes', async () => {
    const zip = packAdapter({ config: CONFIG, weights: WEIGHTS });
    expect(await unpackAdapter(new Blob([zip]), 'a.zip')).toEqual({ config: CONFIG, weights: WEIGHTS });
    expect(packAdapter({ config: CONFIG, weights: WEIGHTS })).toEqual(zip);
  });
});

/** Files as they are dropped or picked. */
const handed = (files: Record<string, Uint8Array<ArrayBuffer>>) =>
  Object.entries(files).map(([path, bytes]) => ({ path, blob: new Blob([bytes]) }));

describe('readAdapterFiles', () => {
  const at = (folder: string) =>
    Object.fromEntries(Object.entries(PAIR).map(([name, bytes]) => [`${folder}${name}`, bytes]));

  it.each([
    ['a zip', { 'any name': packAdapter({ config: CONFIG, weights: WEIGHTS }) }],
    ['the two files', PAIR],
    ['a folder', { ...at('mine/'), 'mine/README.md': text('# hi'), 'mine/tokenizer.json': text('{}') }],
    [
      'a folder with checkpoints',
      { ...at('mine/checkpoint-5/'), ...at('mine/checkpoint-9/'), ...at('mine/') },
    ],
  ])('reads %s', async (_, files) => {
    expect(await readAdapterFiles(handed(files), 'mine')).toEqual({ config: CONFIG, weights: WEIGHTS });
  });

  it.each([
    [
      'one file of two',
      { 'adapter_config.json': CONFIG },
      /safetensors is missing; it holds adapter_config\.json/,
    ],
    ['weights of another name', { 'lora.safetensors': WEIGHTS }, /config\.json is missing; it holds lora\./],
    ['two zips', { 'a.zip': CONFIG, 'b.zip': CONFIG }, /is missing; it holds a\.zip, b\.zip/],
    ['two adapters', { ...at('set/a/'), ...at('set/b/') }, /2 files named adapter_config\.json: choose one/],
    ['a folder of a zip', { 'mine/a.zip': CONFIG }, /is missing; it holds mine\/a\.zip/],
    ['nothing', {}, /holds nothing/],
  ])('refuses %s', async (_, files, message) => {
    const refused = readAdapterFiles(handed(files), 'mine');
    await expect(refused).rejects.toMatchObject({ code: 'storage/archive' });
    await expect(refused).rejects.toThrow(message);
  });

  it('refuses a file beyond measure before it is read', async () => {
    const limits = { maxConfigBytes: 10, maxWeightsBytes: 1 << 20, maxFiles: 5, maxRatio: 300 };
    const refused = readAdapterFiles(handed(PAIR), 'mine', limits);
    await expect(refused).rejects.toMatchObject({ code: 'storage/archive' });
    await expect(refused).rejects.toThrow(/adapter_config\.json has/);
  });
});

describe('unpackAdapter', () => {
  it.each([
    ['a compressed pair', PAIR],
    ['a pair in a folder', { 'my-adapter/': new Uint8Array(0), 'my-adapter': PAIR }],
    ['files beside it', { ...PAIR, 'README.md': text('# hi'), 'logs/x.json': text('{}') }],
    ["a Mac's shadows", { ...PAIR, __MACOSX: { 'adapter_config.json': text('x') } }],
  ])('reads %s', async (_, files) => {
    expect(await unpack(files as Zippable)).toEqual({ config: CONFIG, weights: WEIGHTS });
  });

  it.each<[string, Zippable, RegExp]>([
    [
      'no config',
      { 'adapter_model.safetensors': WEIGHTS },
      /adapter_config\.json is missing; it holds adapter_m/,
    ],
    ['an empty zip', {}, /adapter_config\.json is missing; it holds nothing/],
    [
      'a pickle',
      { 'adapter_config.json': CONFIG, 'adapter_model.bin': WEIGHTS },
      /is a pickle, which is never read/,
    ],
    ['two adapters', { a: PAIR, b: PAIR }, /holds 2 files named adapter_config\.json/],
    ['depth', { a: { b: PAIR } }, /a\/b\/adapter_config\.json lies too deep/],
    [
      'different folders',
      { 'adapter_config.json': CONFIG, a: { 'adapter_model.safetensors': WEIGHTS } },
      /lie in different folders/,
    ],
    [
      'a name that leads out',
      { ...PAIR, '../../evil.txt': CONFIG },
      /"\.\.\/\.\.\/evil\.txt" its name leads out/,
    ],
    [
      'a weight file that leads out',
      { 'x/../../adapter_model.safetensors': WEIGHTS },
      /leads out of the zip/,
    ],
    ['an absolute name', { ...PAIR, '/etc/passwd': CONFIG }, /absolute path/],
  ])('refuses %s', async (_, files, message) => {
    const refused = unpack(files);
    await expect(refused).rejects.toMatchObject({ code: 'storage/archive' });
    await expect(refused).rejects.toThrow(message);
  });

  it('refuses what inflates beyond measure, by declaration and in truth', async () => {
    const bomb = { 'adapter_config.json': CONFIG, 'adapter_model.safetensors': new Uint8Array(8 << 20) };
    await expect(unpack(bomb)).rejects.toThrow(/inflates \d+-fold; at most 300-fold/);
    const limits = { maxConfigBytes: 100, maxWeightsBytes: 30_006, maxFiles: 5, maxRatio: 300 };
    await expect(unpack(PAIR, limits)).rejects.toMatchObject({ code: 'storage/archive' });
    await expect(unpack(PAIR, { ...limits, maxFiles: 1 })).rejects.toMatchObject({
      code: 'storage/archive',
    });
    // A declared size of 30 000 over 30 007 bytes: what it holds beyond is found while inflating.
    const zip = zipSync(PAIR);
    const view = new DataView(zip.buffer);
    for (let at = 0; at + 4 <= zip.length; at++)
      if (view.getUint32(at, true) === WEIGHTS.length) view.setUint32(at, 30_000, true);
    await expect(unpackAdapter(new Blob([zip as Uint8Array<ArrayBuffer>]), 'a.zip')).rejects.toThrow(
      /holds more than it declares/,
    );
  });

  it('refuses what is no zip, and a zip that is cut or changed', async () => {
    await expect(unpackAdapter(new Blob(['nonsense']), 'a.zip')).rejects.toMatchObject({ code: 'data/zip' });
    const zip = packAdapter({ config: CONFIG, weights: WEIGHTS });
    for (const length of [0, 10, 1000, zip.length - 1])
      await expect(unpackAdapter(new Blob([zip.slice(0, length)]), 'a.zip')).rejects.toMatchObject({
        code: 'data/zip',
      });
    const changed = zip.slice();
    changed[5000] = (changed[5000] ?? 0) ^ 1;
    await expect(unpackAdapter(new Blob([changed]), 'a.zip')).rejects.toThrow(/checksum differs/);
  });
});
