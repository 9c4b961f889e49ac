// Lists of stored items over an engine moved by hand: fetching, changes told by events, commands and their failures.
import { describe, expect, it } from 'vitest';
import { adapterName, createLibrary, type Library } from '../../src/state/library';
import type { AdapterSummary } from '../../src/worker/protocol/library';
import { HandEngine, LOADED_MODEL } from './engine_script';

const tick = () => new Promise((done) => setTimeout(done));

const ADAPTER: AdapterSummary = {
  id: 'a1',
  name: 'Counts',
  notes: '',
  modelId: 'pocket',
  fingerprint: 'f',
  precision: null,
  caution: null,
  bundled: false,
  r: 8,
  loraAlpha: 16,
  targetModules: ['q_proj'],
  parameters: 10,
  bytes: 40,
  createdAt: 0,
  run: null,
  metrics: {},
};

async function filled(): Promise<{ engine: HandEngine; library: Library }> {
  const engine = new HandEngine();
  const library = createLibrary(engine);
  void library.refresh();
  await engine.resolve('listAdapters', [ADAPTER]);
  await engine.resolve('listRuns', []);
  await engine.resolve('listDatasets', []);
  return { engine, library };
}

const count = (engine: HandEngine, name: string) => engine.calls.filter((call) => call === name).length;

describe('lists', () => {
  it('are known once they arrived', async () => {
    const { library } = await filled();
    expect(library.adapters.value).toEqual([ADAPTER]);
    expect([...library.known.value].sort()).toEqual(['adapters', 'datasets', 'runs']);
    expect(library.unreadable.value).toBeNull();
  });

  it('keep what is there and say why when one cannot be fetched; the next success clears it', async () => {
    const { engine, library } = await filled();
    void library.refresh();
    await engine.reject('listAdapters', { code: 'storage/blocked', message: 'private window' });
    expect(library.unreadable.value?.code).toBe('storage/blocked');
    expect(library.adapters.value).toEqual([ADAPTER]);
    void library.refresh();
    await engine.resolve('listAdapters', []);
    expect(library.unreadable.value).toBeNull();
    expect(library.adapters.value).toEqual([]);
  });

  it('are fetched again when the engine says so, and a burst of changes costs one more fetch', async () => {
    const { engine, library } = await filled();
    engine.emit({ type: 'storeChanged', store: 'adapters' });
    engine.emit({ type: 'storeChanged', store: 'adapters' }, { type: 'storeChanged', store: 'adapters' });
    expect(count(engine, 'listAdapters')).toBe(2);
    expect(count(engine, 'listRuns')).toBe(1);
    await engine.resolve('listAdapters', []);
    expect(count(engine, 'listAdapters')).toBe(3);
    await engine.resolve('listAdapters', [ADAPTER, { ...ADAPTER, id: 'a2' }]);
    expect(library.adapters.value).toHaveLength(2);
    expect(count(engine, 'listAdapters')).toBe(3);
    engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
    expect(count(engine, 'listAdapters')).toBe(4);
  });

  it('fetch the usage only where it was asked for', async () => {
    const { engine, library } = await filled();
    engine.emit({ type: 'storeChanged', store: 'runs' });
    expect(count(engine, 'storageUsage')).toBe(0);
    void library.refreshUsage();
    const usage = { usedBytes: 1, quotaBytes: 2, persisted: false, items: [] };
    await engine.resolve('storageUsage', usage);
    expect(library.usage.value).toEqual(usage);
    engine.emit({ type: 'storeChanged', store: 'datasets' });
    expect(count(engine, 'storageUsage')).toBe(2);
  });
});

describe('commands', () => {
  it('delete, fetch the list again and say what was freed', async () => {
    const { engine, library } = await filled();
    const outcome = library.remove('adapter', 'a1', 'Counts');
    expect(library.busy.value).toBe(true);
    await engine.resolve('deleteAdapter', 40);
    await engine.resolve('listAdapters', []);
    expect(await outcome).toBe(true);
    expect(library.news.value).toEqual({ kind: 'deleted', item: 'adapter', name: 'Counts', bytes: 40 });
    expect(library.adapters.value).toEqual([]);
    expect(library.busy.value).toBe(false);
    library.dismiss();
    expect(library.news.value).toBeNull();
  });

  it('leave everything as it was when they fail, and say why', async () => {
    const { engine, library } = await filled();
    const outcome = library.remove('run', 'r1', 'Run');
    await engine.reject('deleteRun', { code: 'train/busy', message: 'it is live' });
    expect(await outcome).toBe(false);
    expect(library.error.value).toEqual({ code: 'train/busy', message: 'it is live' });
    expect(library.adapters.value).toEqual([ADAPTER]);
    const exported = library.exportAdapter('a1');
    expect(library.error.value).toBeNull();
    const zip = new Blob(['zip']);
    await engine.resolve('exportAdapter', zip);
    expect(await exported).toBe(zip);
  });

  it('rename, import and add rows', async () => {
    const { engine, library } = await filled();
    const renamed = library.renameAdapter('a1', { name: 'B', notes: 'n' });
    await engine.resolve('renameAdapter');
    await engine.resolve('listAdapters', [{ ...ADAPTER, name: 'B', notes: 'n' }]);
    expect(await renamed).toBe(true);
    expect(engine.values.get('renameAdapter')).toEqual(['a1', { name: 'B', notes: 'n' }]);
    expect(library.adapters.value[0]?.name).toBe('B');

    const imported = library.importAdapter([{ path: 'z.zip', blob: new Blob(['z']) }]);
    await tick();
    await engine.reject('importAdapter', { code: 'adapter/base', message: 'another base' });
    expect(await imported).toBeNull();
    expect(library.error.value?.code).toBe('adapter/base');
    expect(engine.values.get('importAdapter')?.[1]).toBe('z');
    await library.importAdapter(Promise.reject({ code: 'data/files', message: 'gone' }));
    expect(library.error.value?.code).toBe('data/files');

    const row = { image: new Blob(['i']), imageName: 'i.png', question: 'q', answer: '1', response: null };
    const added = library.addToDataset(null, 'Mine', row);
    const dataset = { id: 'd', name: 'Mine', rows: 1, withResponse: 0, bytes: 1, createdAt: 0 };
    await engine.resolve('addToDataset', dataset);
    await engine.resolve('listDatasets', [dataset]);
    expect(await added).toEqual(dataset);
    expect(library.datasets.value).toEqual([dataset]);
    await tick();
    expect(library.error.value).toBeNull();
  });
});

describe('adapterName', () => {
  it.each([
    [
      ['mine/adapter_config.json', 'mine/adapter_model.safetensors', 'mine/checkpoint-5/adapter_config.json'],
      'mine',
    ],
    [['/mine/adapter_config.json'], 'mine'],
    [['Looks twice.ZIP'], 'Looks twice'],
    [['.zip'], 'Adapter'],
    [['adapter_config.json', 'adapter_model.safetensors'], 'Adapter'],
    [['a/adapter_config.json', 'b/adapter_model.safetensors'], 'Adapter'],
    [[], 'Adapter'],
  ])('names %j %s', (paths, name) => {
    expect(adapterName(paths.map((path) => ({ path, blob: new Blob() })))).toBe(name);
  });
});
