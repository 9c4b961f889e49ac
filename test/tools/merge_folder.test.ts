// Merging folders on disk: what is copied, what changes, what is left out, and that --out is whole or not there.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSafetensors, type TensorData, writeSafetensors } from '../../src/model/safetensors';
import { type MergeCall, mergeFolder } from '../../tools/merge_folder';

const MODEL = join(process.cwd(), 'test/fixtures/tiny-qwen2_5_vl');
const ADAPTER = join(MODEL, 'adapter');

let folder: string;
let call: MergeCall;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merge-'));
  const model = join(folder, 'model');
  await mkdir(join(model, 'assets'), { recursive: true });
  for (const name of ['config.json', 'model.safetensors', 'generation_config.json'])
    await writeFile(join(model, name), await readFile(join(MODEL, name)), { mode: 0o444 });
  await writeFile(join(model, 'assets/note.txt'), 'kept');
  await writeFile(join(model, 'pytorch_model.bin'), 'stale');
  await writeFile(join(model, 'adapter_config.json'), '{}');
  call = { model, names: null, adapter: ADAPTER, out: join(folder, 'out'), strength: 1, force: false };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const read = async (path: string) => new Uint8Array(await readFile(path));

describe('mergeFolder', () => {
  it('writes a whole folder and changes the adapted matrices alone', async () => {
    const names: string[] = [];
    const count = await mergeFolder(call, (name) => names.push(name));
    expect((await readdir(call.out)).sort()).toEqual([
      'assets',
      'config.json',
      'generation_config.json',
      'model.safetensors',
    ]);
    expect(await readFile(join(call.out, 'assets/note.txt'), 'utf8')).toBe('kept');
    expect(await read(join(call.out, 'config.json'))).toEqual(await read(join(call.model, 'config.json')));
    const path = 'model.safetensors';
    const [before, after] = await Promise.all(
      [call.model, call.out].map(async (at) => parseSafetensors(path, await read(join(at, path)))),
    );
    expect([...after!.tensors]).toEqual([...before!.tensors]);
    const changed: string[] = [];
    for (const name of before!.tensors.keys()) {
      const [old, now] = [Buffer.from(await before!.read(name)), Buffer.from(await after!.read(name))];
      if (!old.equals(now)) changed.push(name);
    }
    expect(changed.sort()).toEqual(names.sort());
    expect(names).toHaveLength(count);
    expect(names.every((name) => /(self_attn|mlp)\.\w+_proj\.weight$/.test(name))).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['model', 'out']);
  });

  it('copies the named files alone where others lie beside them', async () => {
    await writeFile(join(call.model, 'record.json'), '{}');
    const names = ['config.json', 'model.safetensors'];
    await mergeFolder({ ...call, names });
    expect((await readdir(call.out)).sort()).toEqual(names);
  });

  it('merges shards where they are', async () => {
    const single = await parseSafetensors('m', await read(join(call.model, 'model.safetensors')));
    await rm(join(call.model, 'model.safetensors'));
    const weight_map: Record<string, string> = {};
    const shards: TensorData[][] = [[], []];
    for (const [name, { dtype, shape }] of single.tensors) {
      const shard = Object.keys(weight_map).length % 2;
      weight_map[name] = `model-0000${shard + 1}-of-00002.safetensors`;
      shards[shard]!.push({ name, dtype, shape, bytes: await single.read(name) });
    }
    for (const [index, tensors] of shards.entries())
      await writeFile(
        join(call.model, `model-0000${index + 1}-of-00002.safetensors`),
        writeSafetensors(tensors),
      );
    await writeFile(join(call.model, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
    await mergeFolder(call);
    const whole = join(folder, 'whole');
    await mergeFolder({ ...call, model: MODEL, adapter: await copyOfAdapter(), out: whole });
    const merged = await parseSafetensors('m', await read(join(whole, 'model.safetensors')));
    for (const [name, file] of Object.entries(weight_map)) {
      const shard = await parseSafetensors(file, await read(join(call.out, file)));
      expect(Buffer.from(await shard.read(name)).equals(Buffer.from(await merged.read(name))), name).toBe(
        true,
      );
    }
  });

  it('replaces a folder only when told to', async () => {
    await mkdir(call.out);
    await writeFile(join(call.out, 'old'), '');
    await expect(mergeFolder(call)).rejects.toThrow(/exists already.*--force/);
    expect(await readdir(call.out)).toEqual(['old']);
    await mergeFolder({ ...call, force: true });
    expect(await readdir(call.out)).toContain('model.safetensors');
    expect((await readdir(folder)).sort()).toEqual(['model', 'out']);
  });

  it('leaves nothing behind when it fails or is stopped', async () => {
    const stop = AbortSignal.abort(new Error('stopped'));
    await expect(mergeFolder(call, () => {}, stop)).rejects.toThrow('stopped');
    await expect(mergeFolder({ ...call, strength: 1e60 })).rejects.toMatchObject({ code: 'model/adapter' });
    await expect(mergeFolder({ ...call, adapter: join(folder, 'none') })).rejects.toThrow(/there is no/);
    expect(await readdir(folder)).toEqual(['model']);
  });

  it.each(['model', 'model/merged', '.', 'model/../model'])('refuses --out %s', async (out) => {
    await expect(mergeFolder({ ...call, out: join(folder, out), force: true })).rejects.toThrow(/overlap/);
    expect(await readdir(call.model)).toContain('config.json');
  });

  it('takes a neighbour whose name begins alike', async () => {
    expect(await mergeFolder({ ...call, out: join(folder, '..model') })).toBeGreaterThan(0);
    expect(await mergeFolder({ ...call, out: `${call.model}-2` })).toBeGreaterThan(0);
  });
});

/** The adapter away from its model, whose folder holds it. */
async function copyOfAdapter(): Promise<string> {
  const copy = join(folder, 'adapter');
  await mkdir(copy);
  for (const name of await readdir(ADAPTER))
    await writeFile(join(copy, name), await readFile(join(ADAPTER, name)));
  return copy;
}
