// The Cold start page's state over an engine moved by hand: the draft, asking, changes, another tab's news.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createColdStart } from '../../src/state/cold_start';
import { COLD_VIEW } from './cold_start_script';
import { HandEngine } from './engine_script';
import { settled } from './train_script';

async function opened(view: typeof COLD_VIEW | null = null) {
  const engine = new HandEngine();
  const coldStart = createColdStart(engine);
  const opening = coldStart.open();
  await engine.resolve('readColdStart', view);
  await opening;
  return { engine, coldStart };
}

describe('the draft', () => {
  it('leaves the oracle out for a dataset, and marks what cannot be used', async () => {
    const { coldStart } = await opened();
    coldStart.setSource({ kind: 'dataset', datasetId: 'd1', name: 'Sheets' });
    expect(coldStart.draft.value.insert).toBe('self');
    await coldStart.set('rollouts', Number.NaN);
    expect(coldStart.wrong.value.has('rollouts')).toBe(true);
    expect(coldStart.draft.value.rollouts).toBe(12);
    await coldStart.set('rollouts', 4);
    expect([coldStart.wrong.value.size, coldStart.draft.value.rollouts]).toEqual([0, 4]);
  });

  it('begins, and asks at once', async () => {
    const { engine, coldStart } = await opened();
    const begun = coldStart.begin();
    expect(coldStart.locked.value).toBe(true);
    await engine.resolve('beginColdStart', COLD_VIEW);
    await settled();
    expect(engine.values.get('runColdStart')).toEqual(['rollouts']);
    const work = { stage: 'rollouts', done: 1, total: 2, fraction: null, secondsLeft: 3 } as const;
    engine.emit({ type: 'coldStartProgressed', work });
    expect(coldStart.work.value).toEqual(work);
    await engine.resolve('runColdStart', COLD_VIEW);
    await engine.resolve('readColdStart', COLD_VIEW);
    await begun;
    expect([coldStart.work.value, coldStart.locked.value]).toEqual([null, false]);
  });
});

describe('looks of another model', () => {
  const plan = { ...COLD_VIEW.plan, insert: 'model', writerModel: { id: 'other', name: 'Other' } } as const;

  /** A page on which loading ends when it is told to. */
  async function exchanging() {
    const { engine, coldStart } = await opened({ ...COLD_VIEW, plan });
    const loaded = signal<string | null>('pocket');
    const loads: { id: string; end(works: boolean): void }[] = [];
    coldStart.useModels({
      ...{ loaded, error: signal({ code: 'gpu/out-of-memory', message: 'too large' } as const) },
      load: (id) =>
        new Promise((resolve) => {
          loaded.value = null;
          const end = (works: boolean): void => {
            if (works) loaded.value = id;
            resolve();
          };
          loads.push({ id, end });
        }),
      cancel: async () => loads.at(-1)?.end(false),
      remember: () => () => undefined,
    });
    const running = coldStart.run('self');
    const loading = async (id: string, works = true) => {
      expect(loads.at(-1)?.id).toBe(id);
      loads.at(-1)?.end(works);
      await settled();
    };
    return { engine, coldStart, running, loading };
  }

  it('are asked for once it is loaded, and the model before comes back', async () => {
    const { engine, coldStart, running, loading } = await exchanging();
    expect([coldStart.exchange.value, coldStart.work.value?.stage]).toEqual(['there', 'self']);
    // News of another tab in between does not end the work.
    engine.emit({ type: 'coldStartChanged' });
    await engine.resolve('readColdStart', { ...COLD_VIEW, plan });
    expect(coldStart.work.value).not.toBeNull();
    await loading('other');
    expect(engine.values.get('runColdStart')).toEqual(['self']);
    expect(coldStart.exchange.value).toBeNull();
    await engine.resolve('runColdStart', COLD_VIEW);
    await settled();
    expect(coldStart.exchange.value).toBe('back');
    await loading('pocket');
    await engine.resolve('readColdStart', COLD_VIEW);
    await running;
    expect([coldStart.exchange.value, coldStart.work.value, coldStart.error.value]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('say why it could not be loaded', async () => {
    const { engine, coldStart, running, loading } = await exchanging();
    await loading('other', false);
    await loading('pocket');
    await engine.resolve('readColdStart', COLD_VIEW);
    await running;
    expect(coldStart.error.value?.code).toBe('gpu/out-of-memory');
    expect(engine.calls).not.toContain('runColdStart');
  });

  it('are not asked for where its loading was cancelled', async () => {
    const { engine, coldStart, running, loading } = await exchanging();
    await coldStart.pause();
    await settled();
    await loading('pocket');
    await engine.resolve('readColdStart', COLD_VIEW);
    await running;
    expect([coldStart.error.value, engine.calls.includes('runColdStart')]).toEqual([null, false]);
  });
});

describe('one in the making', () => {
  it('that cannot be read leaves the way free for another', async () => {
    const engine = new HandEngine();
    const coldStart = createColdStart(engine);
    const opening = coldStart.open();
    await engine.reject('readColdStart', { code: 'storage/missing', message: 'its dataset is gone' });
    await opening;
    expect([coldStart.known.value, coldStart.view.value]).toEqual([true, null]);
    expect(coldStart.error.value?.message).toBe('its dataset is gone');
    void coldStart.begin();
    expect(engine.calls).toContain('beginColdStart');
  });

  it('is changed in the engine, and locked while another tab works', async () => {
    const { engine, coldStart } = await opened(COLD_VIEW);
    const change = coldStart.set('reflectionRate', 0.5);
    await engine.resolve('changeColdStart', { ...COLD_VIEW, atWork: 'elsewhere' });
    await change;
    expect(engine.values.get('changeColdStart')).toEqual([{ reflectionRate: 0.5 }]);
    expect(coldStart.locked.value).toBe(true);
    engine.emit({ type: 'coldStartChanged' });
    await engine.resolve('readColdStart', COLD_VIEW);
    await settled();
    expect(coldStart.locked.value).toBe(false);
  });

  it('keeps what failed as an error, and says what came in', async () => {
    const { engine, coldStart } = await opened(COLD_VIEW);
    await coldStart.importLooks([]);
    expect(coldStart.error.value?.code).toBe('data/files');
    const file = { path: 'a.jsonl', blob: new Blob([]) };
    const importing = coldStart.importLooks([file]);
    await settled();
    await engine.resolve('importColdStartLooks', { taken: 2, unknown: 1, view: COLD_VIEW });
    await importing;
    expect(coldStart.error.value).toBeNull();
    expect(coldStart.news.value).toEqual({ kind: 'imported', taken: 2, unknown: 1 });
  });

  it('opens a chosen chain within the number of them', async () => {
    const { engine, coldStart } = await opened(COLD_VIEW);
    const showing = coldStart.showLook(99);
    await settled();
    expect(engine.values.get('readColdStartLook')).toEqual([COLD_VIEW.selection.looks - 1]);
    await engine.reject('readColdStartLook', { code: 'storage/missing', message: 'gone' });
    await showing;
    expect(coldStart.look.value).toBeNull();
    expect(coldStart.error.value?.code).toBe('storage/missing');
  });
});
