// The Cold start page's state over an engine moved by hand: the draft, asking, changes, another tab's news.
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
