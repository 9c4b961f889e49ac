// Models of the hub, against a real HTTP server: downloaded once, opened from the store after that, weights read in ranges.

import { createHash } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HubClient, platformClient } from '../../../src/hub/hub_client';
import { StorageError } from '../../../src/lib/errors';
import { openCheckpoint } from '../../../src/model/checkpoint';
import { readModelJson } from '../../../src/model/vision_language_model';
import { baseFingerprint } from '../../../src/services/answers/base_fingerprint';
import { HubModels } from '../../../src/services/answers/hub_models';
import type { ModelStore } from '../../../src/storage/model_store';
import type { ModelRecord } from '../../../src/storage/model_store_folder';
import { loadFixture } from '../../harness/fixture';
import { COMMIT, startHub } from '../../hub/hub_server';
import { MemoryTarget } from '../../hub/memory_target';

const ID = 'tiny/model';
const FOLDER = 'tiny-qwen2_5_vl';
const FILES = {
  'config.json': await loadFixture(`${FOLDER}/config.json`),
  'preprocessor_config.json': await loadFixture(`${FOLDER}/preprocessor_config.json`),
  'model.safetensors': await loadFixture(`${FOLDER}/model.safetensors`),
  'README.md': new Uint8Array(5),
  'modeling.py': new Uint8Array(5),
};
const hub = await startHub({
  [ID]: FILES,
  'large/model': { 'config.json': new Uint8Array(2), 'model.safetensors': new Uint8Array(3 << 20) },
  'only/pickles': { 'pytorch_model.bin': new Uint8Array(9) },
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
  hub.fault = () => null;
});

/** A store in memory: folders that fill, and records of those that are whole. */
function memoryStore() {
  const folders = new Map<string, MemoryTarget>();
  const records = new Map<string, ModelRecord>();
  const state = { damaged: false };
  const open: string[] = [];
  const store: Pick<ModelStore, 'list' | 'listParts' | 'open' | 'write' | 'delete'> = {
    list: async () => [...records.values()],
    listParts: async () => [{ id: ID, commit: COMMIT, bytes: 1000 }],
    open: async (key) => {
      const record = records.get(key);
      if (record === undefined) return null;
      if (state.damaged) throw new StorageError('storage/model-damaged', 'too short');
      const files = record.files.map(({ name }) => {
        const bytes = folders.get(key)?.files.get(name)?.bytes as Uint8Array<ArrayBuffer>;
        return [name, new File([bytes], name)] as const;
      });
      open.push(key);
      return { record, files: new Map(files), close: () => open.splice(open.indexOf(key), 1) };
    },
    write: async (key) => {
      const target = folders.get(key) ?? new MemoryTarget();
      folders.set(key, target);
      records.delete(key);
      return {
        isFinished: (name) => target.isFinished(name),
        keptBytes: async (name) => target.files.get(name)?.kept?.bytes ?? 0,
        file: (name, bytes) => target.file(name, bytes),
        commit: async (record) => void records.set(key, record),
        release: () => undefined,
      };
    },
    delete: async (key) => {
      folders.delete(key);
      records.delete(key);
      state.damaged = false;
      return 1;
    },
  };
  return { store, folders, records, state, open };
}

function hubModels(store: ReturnType<typeof memoryStore>['store']) {
  const client = new HubClient({
    endpoint: hub.endpoint,
    fetch: (url, init) => fetch(url, init),
    sleep: async () => undefined,
    random: () => 0.5,
  });
  return new HubModels({ client: () => client, store, date: () => 77 });
}

function download(models: HubModels, id = ID, revision = 'main') {
  const steps: [number, number][] = [];
  const { signal } = new AbortController();
  const onProgress = (loaded: number, total: number) => steps.push([loaded, total]);
  return { steps, done: models.download(id, revision, { signal, onProgress }) };
}

describe('HubModels', () => {
  it('downloads what loading reads, and opens it with the weights on disk', async () => {
    const { store, records, open } = memoryStore();
    const models = hubModels(store);
    const { done, steps } = download(models);
    await done;
    const { entry, files } = await models.open(ID);
    const names = ['config.json', 'preprocessor_config.json', 'model.safetensors'];
    expect(entry.files.map(({ name }) => name).sort()).toEqual([...names].sort());
    expect(entry).toMatchObject({ id: ID, label: ID, bytes: steps.at(-1)![1] });
    expect(steps.at(-1)![0]).toBe(steps.at(-1)![1]);
    expect([...records.values()]).toMatchObject([{ id: ID, revision: 'main', commit: COMMIT, storedAt: 77 }]);
    const checkpoint = await openCheckpoint(files);
    const [name] = [...checkpoint.tensors.keys()];
    expect((await checkpoint.read(name!)).length).toBeGreaterThan(0);
    expect(await files.open('README.md')).toBeNull();
    expect(open).toHaveLength(1);
    files.close?.();
    expect(open).toEqual([]);
    expect((await models.list()).map(({ id }) => id)).toEqual([ID]);
  });

  it('asks nothing of the hub for what is here, and knows its fingerprint without reading it', async () => {
    const models = hubModels(memoryStore().store);
    await download(models).done;
    hub.requests.length = 0;
    await download(models).done;
    await download(models, ID, COMMIT).done;
    const { files } = await models.open(ID);
    expect(hub.requests).toEqual([]);
    const weights = createHash('sha256').update(FILES['model.safetensors']).digest('hex');
    const unread = { ...files, open: async (name: string) => ((await files.open(name)) ? NEVER_READ : null) };
    expect(await baseFingerprint(unread)).toBe(weights);
  });

  it('reads small files before a download, says what is missing, and fetches no weights', async () => {
    const models = hubModels(memoryStore().store);
    const { signal } = new AbortController();
    const { files, downloadBytes } = await models.describe(ID, 'main', signal);
    const total = ['config.json', 'preprocessor_config.json', 'model.safetensors'] as const;
    expect(downloadBytes).toBe(total.reduce((sum, name) => sum + FILES[name].length, 0) - 1000);
    expect(await readModelJson(files, 'config.json')).toMatchObject({ model_type: 'qwen2_5_vl' });
    expect(hub.requests.filter(({ path }) => path.endsWith('.safetensors'))).toEqual([]);
    await download(models).done;
    hub.requests.length = 0;
    expect((await models.describe(ID, 'main', signal)).downloadBytes).toBe(0);
    expect(hub.requests).toEqual([]);
  });

  it('does not open what is not here', async () => {
    const models = hubModels(memoryStore().store);
    await expect(models.open(ID)).rejects.toMatchObject({ code: 'model/not-here' });
    expect(hub.requests).toEqual([]);
  });

  it('goes on with a download that was cut off, and forgets a damaged copy', async () => {
    const { store, folders, state } = memoryStore();
    const models = hubModels(store);
    hub.fault = (path) => (path === 'model.safetensors' ? 'altered-byte' : null);
    await expect(download(models).done).rejects.toMatchObject({ code: 'model/integrity' });
    expect([...folders.values()][0]!.isFinished('config.json')).toBe(true);
    hub.fault = () => null;
    hub.requests.length = 0;
    await download(models).done;
    expect(hub.requests.some(({ path }) => path.endsWith('config.json') && !path.includes('pre'))).toBe(
      false,
    );
    state.damaged = true;
    await expect(models.open(ID)).rejects.toMatchObject({ code: 'storage/model-damaged' });
    hub.requests.length = 0;
    await download(models).done;
    expect(hub.requests.some(({ path }) => path.endsWith('model.safetensors'))).toBe(true);
    await models.open(ID);
  });

  it('says that there is no room before it fetches anything', async () => {
    vi.stubGlobal('navigator', { storage: { estimate: async () => ({ usage: 9e6, quota: 1e7 }) } });
    const models = hubModels(memoryStore().store);
    await expect(download(models, 'large/model').done).rejects.toMatchObject({
      code: 'storage/full',
      message: expect.stringMatching(/large\/model \(.*about 977 KiB are free\)/),
    });
    vi.unstubAllGlobals();
    expect(hub.requests.filter(({ path }) => path.endsWith('.safetensors'))).toEqual([]);
  });

  it('says that a repository holds no weights it can read', async () => {
    await expect(download(hubModels(memoryStore().store), 'only/pickles').done).rejects.toThrow(
      /only\/pickles holds no weights in safetensors/,
    );
  });
});

/** A file that a test must not read. */
const NEVER_READ = {
  name: 'unread',
  size: 1,
  read: () => Promise.reject(new Error('read')),
};

describe('platformClient', () => {
  it('asks over the platform, and waits no longer than it is wanted', async () => {
    const client = platformClient(hub.endpoint);
    const listing = await client.listing(ID, 'main', new AbortController().signal);
    expect(listing.files.map(({ name }) => name)).toContain('config.json');
    hub.fault = () => 'busy';
    const controller = new AbortController();
    const config = listing.files.find(({ name }) => name === 'config.json')!;
    const asking = client.range(listing, config, 0, 4, controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(asking).rejects.toThrow('enough');
  });
});
