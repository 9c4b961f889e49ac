// How a model comes here, over a scripted engine: verdicts in any order, a download with pauses and failures, loading.
import { beforeEach, describe, expect, it } from 'vitest';
import { shelf } from '../ui/page_state';
import { arrivalOf, CATALOGUE, FIT, HUB_MODEL, pauseDownload, startDownload } from './arrival_script';
import { type HandEngine, LOADED_MODEL } from './engine_script';

let engine: HandEngine;
let page: ReturnType<typeof arrivalOf>;
let look: Awaited<ReturnType<typeof shelf>>['look'];
beforeEach(async () => {
  const stored = await shelf();
  ({ engine, look } = stored);
  page = arrivalOf(stored);
});

describe('a verdict', () => {
  it('is asked with the controls, and again when one changes', async () => {
    const { arrival } = page;
    await arrival.open();
    expect(arrival.catalogue.value).toEqual(CATALOGUE);
    void arrival.choose(HUB_MODEL);
    expect(arrival.judging.value).toBe(true);
    expect(engine.values.get('assessModel')).toEqual([
      { id: 'org/model', revision: 'v1', precision: null, maxImageTokens: 1024, context: 2048 },
    ]);
    await engine.resolve('assessModel', FIT);
    expect(arrival.fit.value).toBe(FIT);
    void arrival.resize({ precision: 'int8' });
    expect(engine.values.get('assessModel')).toMatchObject([{ precision: 'int8' }]);
    await engine.resolve('assessModel', { ...FIT, precision: 'int8' });
    expect(arrival.fit.value?.precision).toBe('int8');
  });

  it('about something else comes too late', async () => {
    const { arrival } = page;
    const late = arrival.choose({ ...HUB_MODEL, id: 'org/other' });
    const settleLate = engine.resolve('assessModel', { ...FIT, parameters: 1 });
    void arrival.choose(HUB_MODEL);
    await settleLate;
    await late;
    expect(arrival.fit.value).toBeNull();
    expect(arrival.judging.value).toBe(true);
    await engine.resolve('assessModel', FIT);
    expect(arrival.fit.value).toBe(FIT);
  });

  it('that fails is an error, and no verdict', async () => {
    const { arrival } = page;
    void arrival.choose(HUB_MODEL);
    await engine.reject('assessModel', { code: 'model/hub-missing', message: 'no such model' });
    expect(arrival).toMatchObject({ fit: { value: null }, error: { value: { code: 'model/hub-missing' } } });
    arrival.dismiss();
    expect(arrival.error.value).toBeNull();
  });
});

describe('a download', () => {
  it('shows what has arrived and how fast, then loads the model as chosen', async () => {
    const { arrival, clock } = page;
    void arrival.resize({ precision: 'int8', maxImageTokens: 512 });
    await startDownload(arrival, engine);
    expect(engine.values.get('downloadModel')).toEqual(['org/model', 'v1']);
    expect(arrival.download.value).toMatchObject({ state: 'downloading', loaded: 1e8, total: 1e9 });
    clock.now = 4000;
    engine.emit({ type: 'downloadProgressed', id: 'org/model', loaded: 5e8, total: 1e9 });
    expect(arrival.download.value).toMatchObject({ bytesPerSecond: 1.25e8, secondsLeft: 4 });
    await engine.resolve('downloadModel');
    expect(arrival.download.value).toBeNull();
    expect(arrival.fit.value?.downloadBytes).toBe(0);
    expect(engine.values.get('load')).toEqual(['org/model', { precision: 'int8' }]);
    const model = {
      ...LOADED_MODEL,
      entry: { ...LOADED_MODEL.entry, id: 'org/model' },
      square: false,
      seesCells: false,
    };
    await engine.resolve('load', model);
    // No longer than the model answers, whatever the context leaves.
    expect(look.settings.value).toMatchObject({ maxImageTokens: 512, maxNewTokens: model.maxNewTokens });
  });

  it('is paused and resumed, and loses nothing of what it shows', async () => {
    const { arrival } = page;
    await startDownload(arrival, engine);
    await pauseDownload(arrival, engine);
    expect(arrival.error.value).toBeNull();
    expect(arrival.download.value).toMatchObject({ state: 'paused', loaded: 1e8, bytesPerSecond: null });
    void arrival.resume();
    expect(arrival.download.value).toMatchObject({ state: 'downloading', loaded: 1e8, total: 1e9 });
    expect(engine.calls.filter((name) => name === 'downloadModel')).toHaveLength(2);
  });

  it('that fails can be resumed', async () => {
    const { arrival } = page;
    await startDownload(arrival, engine);
    await engine.reject('downloadModel', { code: 'model/hub-unreachable', message: 'gone' });
    expect(arrival.error.value?.code).toBe('model/hub-unreachable');
    expect(arrival.download.value?.state).toBe('paused');
    expect(engine.calls.filter((name) => name === 'load')).toHaveLength(1);
  });

  it('is cancelled with what has arrived', async () => {
    const { arrival } = page;
    await startDownload(arrival, engine);
    const cancelled = arrival.cancel();
    await engine.resolve('pauseDownload');
    await engine.reject('downloadModel', { code: 'model/download-paused', message: 'paused' });
    const part = { key: 'k', id: 'org/model', whole: false };
    await engine.resolve('listStoredModels', [{ ...part, key: 'w', whole: true }, part]);
    expect(engine.values.get('deleteModel')).toEqual(['k']);
    await engine.resolve('deleteModel', 1);
    await cancelled;
    expect(arrival.download.value).toBeNull();
  });
});

it('keeps the address of the hub and never the token', async () => {
  const { arrival, kept } = page;
  void arrival.useHub({ address: 'http://localhost:1/', token: 'secret' });
  await engine.resolve('useHub');
  expect(arrival.hub.value).toEqual({ address: 'http://localhost:1/', token: 'secret' });
  expect(kept.address).toBe('http://localhost:1/');
  void arrival.useHub({ address: 'nonsense', token: null });
  await engine.reject('useHub', { code: 'model/hub-address', message: 'no address' });
  expect(arrival.hub.value.address).toBe('http://localhost:1/');
  expect(arrival.error.value?.code).toBe('model/hub-address');
});

it('judges a folder that is handed over', async () => {
  const { arrival } = page;
  void arrival.chooseFolder(Promise.resolve([{ path: 'tiny/config.json', blob: new Blob() }]));
  await Promise.resolve();
  await engine.resolve('addModelFolder', { id: 'folder:tiny', label: 'tiny', folder: '', bytes: 1 });
  expect(engine.values.get('assessModel')).toMatchObject([{ id: 'folder:tiny' }]);
  await engine.resolve('assessModel', { ...FIT, downloadBytes: 0 });
  void arrival.bring();
  expect(engine.calls).not.toContain('downloadModel');
  expect(engine.values.get('load')).toEqual(['folder:tiny', {}]);
});
