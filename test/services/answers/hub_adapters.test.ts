// Adapters of the hub, against a real HTTP server: the two files alone, verified, with the faults of models.

import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { platformClient } from '../../../src/hub/hub_client';
import { fetchAdapter } from '../../../src/services/answers/hub_adapters';
import { readAdapterFiles } from '../../../src/storage/adapter_archive';
import { loadFixture } from '../../harness/fixture';
import { COMMIT, startHub } from '../../hub/hub_server';

const ID = 'tiny/adapter';
const CONFIG = await loadFixture('tiny-qwen2_5_vl/adapter-tower/adapter_config.json');
const WEIGHTS = await loadFixture('tiny-qwen2_5_vl/adapter-tower/adapter_model.safetensors');
const hub = await startHub({
  [ID]: {
    'adapter_config.json': CONFIG,
    'adapter_model.safetensors': WEIGHTS,
    'README.md': new Uint8Array(9),
  },
  'old/pickle': { 'adapter_config.json': CONFIG, 'adapter_model.bin': new Uint8Array(9) },
  'large/config': {
    'adapter_config.json': new Uint8Array(2 ** 20 + 1),
    'adapter_model.safetensors': WEIGHTS,
  },
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
  hub.fault = () => null;
});

const client = () => platformClient(hub.endpoint);
const watch = () => {
  const seen: (readonly [number, number])[] = [];
  const onProgress = (loaded: number, total: number) => seen.push([loaded, total]);
  return { signal: new AbortController().signal, onProgress, seen };
};

describe('fetchAdapter', () => {
  it('brings the pair and nothing else, and says how far it is', async () => {
    const watched = watch();
    const { files, commit } = await fetchAdapter(client(), ID, 'main', watched);
    expect(commit).toBe(COMMIT);
    const pair = await readAdapterFiles(files, ID);
    expect(pair.config).toEqual(new Uint8Array(CONFIG));
    expect(pair.weights).toEqual(new Uint8Array(WEIGHTS));
    const total = CONFIG.length + WEIGHTS.length;
    expect(watched.seen.at(-1)).toEqual([total, total]);
    expect(hub.requests.some(({ path }) => path.includes('README'))).toBe(false);
  });

  it('comes through a byte that was altered once, and never takes one that was altered twice', async () => {
    let left = 1;
    hub.fault = (path) => (path === 'adapter_model.safetensors' && left-- > 0 ? 'altered-byte' : null);
    const { files } = await fetchAdapter(client(), ID, 'main', watch());
    expect((await readAdapterFiles(files, ID)).weights).toEqual(new Uint8Array(WEIGHTS));
    hub.fault = (path) => (path === 'adapter_model.safetensors' ? 'altered-byte' : null);
    await expect(fetchAdapter(client(), ID, 'main', watch())).rejects.toMatchObject({
      code: 'model/integrity',
    });
  });

  it.each([
    ['old/pickle', 'model/adapter', /has no adapter_model\.safetensors.*safetensors/],
    ['large/config', 'storage/archive', /large\/config\/adapter_config\.json has .* are read/],
    ['no/where', 'model/hub-missing', /./],
    ['nonsense', 'model/hub-name', /organisation\/name/],
  ])('refuses %s with %s', async (id, code, message) => {
    const failed = fetchAdapter(client(), id, 'main', watch());
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(hub.requests.every(({ host }) => host === 'hub')).toBe(true);
  });
});
