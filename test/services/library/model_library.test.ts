// Commands of models over scripted stores and hubs: one download at a time, pauses, folders, what is kept.
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/model/safetensors';
import type { ModelFiles } from '../../../src/model/vision_language_model';
import { ModelLibrary, type ModelLibraryParts } from '../../../src/services/library/model_library';
import type { ModelRecord } from '../../../src/storage/model_store_folder';
import type { DownloadEvent } from '../../../src/worker/protocol/models';
import { loadFixture } from '../../harness/fixture';

const RECORD: ModelRecord = {
  ...{ id: 'org/model', revision: 'main', commit: 'c0ffee', storedAt: 5 },
  files: [{ name: 'config.json', bytes: 7, sha256: null }],
};

function library(download: (signal: AbortSignal, step: (loaded: number) => void) => Promise<void>) {
  const events: DownloadEvent[] = [];
  const used: unknown[] = [];
  const counts = { changed: 0, closed: 0 };
  const described: ModelFiles = {
    name: 'org/model',
    open: async (name) => memorySource(name, await loadFixture(`tiny-qwen2_5_vl/${name}`)),
    close: () => void counts.closed++,
  };
  const parts: ModelLibraryParts = {
    store: {
      list: async () => [RECORD],
      listParts: async () => [{ id: 'org/part', commit: 'ab', bytes: 3 }],
      lastUse: async () => ({ usedAt: 9, precision: 'int4' }),
      noteUse: async (key, use) => void used.push([key, use]),
      delete: async () => 7,
    },
    hub: async () => ({
      access: { use: () => undefined },
      models: {
        list: async () => [],
        open: async () => Promise.reject(new Error('not here')),
        describe: async () => ({ files: described, downloadBytes: 12 }),
        download: (_, __, { signal, onProgress }) => download(signal, (loaded) => onProgress(loaded, 10)),
      },
    }),
    builtIn: { open: async () => Promise.reject(new Error('not built in')) },
    device: async () => 'the device' as never,
    judge: async (...judged) => judged as never,
    freeBytes: async () => 99,
    emit: (event) => events.push(event),
    changed: () => void counts.changed++,
    date: () => 11,
  };
  return { models: new ModelLibrary(parts), events, used, counts };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

describe('ModelLibrary', () => {
  it('reports a download, and says that the list changed when it is over', async () => {
    const { models, events, counts } = library(async (_, step) => step(4));
    await models.downloadModel('org/model', 'main');
    expect(events).toEqual([{ type: 'downloadProgressed', id: 'org/model', loaded: 4, total: 10 }]);
    expect(counts.changed).toBe(1);
  });

  it('downloads one at a time, and goes on after a pause', async () => {
    const { models } = library(untilAborted);
    const first = models.downloadModel('org/model', 'main');
    await expect(models.downloadModel('org/other', 'main')).rejects.toMatchObject({
      code: 'model/download-busy',
    });
    await models.pauseDownload();
    await expect(first).rejects.toMatchObject({ code: 'model/download-paused' });
    const again = models.downloadModel('org/model', 'main');
    await models.pauseDownload();
    await expect(again).rejects.toMatchObject({ code: 'model/download-paused' });
  });

  it('judges a model of the hub by its settings, and gives its files back', async () => {
    const { models, counts } = library(untilAborted);
    const request = { id: 'org/model', revision: 'main', precision: null, maxImageTokens: 64, context: 512 };
    const [device, spec, judged, facts] = (await models.assessModel(request)) as unknown as unknown[];
    expect(device).toBe('the device');
    expect(spec).toMatchObject({ modelType: 'qwen2_5_vl' });
    expect(judged).toBe(request);
    expect(facts).toEqual({ downloadBytes: 12, freeBytes: 99 });
    expect(counts.closed).toBe(1);
    // Another size of the same model asks for nothing again; what is kept decides how much is still to come.
    await models.assessModel({ ...request, context: 256 });
    expect(counts.closed).toBe(1);
    await models.deleteModel('org~model@c0ffee');
    await models.assessModel(request);
    expect(counts.closed).toBe(2);
    await expect(models.assessModel({ ...request, id: 'pocket' })).rejects.toThrow('not built in');
    await expect(models.assessModel({ ...request, id: 'folder:x' })).rejects.toThrow(/choose it again/);
  });

  it('hands on what went wrong', async () => {
    const { models } = library(() => Promise.reject(new Error('no connection')));
    await expect(models.downloadModel('org/model', 'main')).rejects.toThrow('no connection');
  });

  it('lists whole models with their last use, and parts', async () => {
    const { models, used } = library(untilAborted);
    expect(await models.listStoredModels()).toEqual([
      {
        ...{ key: 'org~model@c0ffee', id: 'org/model', revision: 'main', commit: 'c0ffee', bytes: 7 },
        ...{ whole: true, storedAt: 5, lastUse: { usedAt: 9, precision: 'int4' } },
      },
      {
        ...{ key: 'org~part@ab', id: 'org/part', revision: null, commit: 'ab', bytes: 3 },
        ...{ whole: false, storedAt: null, lastUse: null },
      },
    ]);
    expect(await models.deleteModel('org~model@c0ffee')).toBe(7);
    await models.noteUse('org/model', 'int8');
    await models.noteUse('pocket', 'f32');
    expect(used).toEqual([['org~model@c0ffee', { usedAt: 11, precision: 'int8' }]]);
  });

  it('opens the files of a folder in place', async () => {
    const { models } = library(untilAborted);
    const entry = await models.addModelFolder([
      { path: '/Downloads/tiny/config.json', blob: new Blob(['{}']) },
      { path: '/Downloads/tiny/model.safetensors', blob: new Blob(['12345']) },
      { path: '/Downloads/tiny/onnx/model.onnx', blob: new Blob(['1']) },
      { path: '/Downloads/other.txt', blob: new Blob(['1']) },
    ]);
    expect(entry).toEqual({ id: 'folder:tiny', label: 'tiny', folder: '', bytes: 7 });
    expect((await models.folders.list()).map(({ id }) => id)).toEqual(['folder:tiny']);
    const { files } = await models.folders.open('folder:tiny', () => undefined);
    expect((await files.open('model.safetensors'))?.size).toBe(5);
    expect(await files.open('model.onnx')).toBeNull();
    await expect(models.folders.open('folder:gone', () => undefined)).rejects.toThrow(/choose it again/);
  });

  it.each([[[]], [['a/config.json', 'b/config.json']]])('refuses %j as a folder', async (paths) => {
    const { models } = library(untilAborted);
    const files = paths.map((path: string) => ({ path, blob: new Blob(['{}']) }));
    await expect(models.addModelFolder(files)).rejects.toMatchObject({ code: 'model/files' });
  });
});
