// The commands of building a cold start over stores in memory and a scripted model: stages, pauses, writers, two tabs.
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { worldLook } from '../../../src/lookback/cold_start/world_example';
import { coldStartTab, memoryStore, PLAN, png, sampleOf } from './cold_start_script';

async function answered(stored = memoryStore(), script = {}) {
  const tab = coldStartTab(stored, script);
  await tab.host.beginColdStart(PLAN);
  const view = await tab.host.runColdStart('rollouts');
  return { ...tab, stored, view };
}

const textFile = (lines: readonly object[]) => ({
  path: 'looks.jsonl',
  blob: new Blob([lines.map((line) => JSON.stringify(line)).join('\n')]),
});

describe('a cold start of the built-in world', () => {
  it('asks, chooses, lets the oracle write, and mixes', async () => {
    const { host, view, events } = await answered();
    expect(await coldStartTab(memoryStore()).host.readColdStart()).toBeNull();
    expect(view.rollouts).toMatchObject({ done: 6, total: 6, withoutChain: 0 });
    expect(view.rollouts.bars.map(({ problems }) => problems)).toEqual([0, 6, 0]);
    expect(view.rollouts.bars[1]?.chosen).toBe(view.selection.looks);
    expect(view.selection).toMatchObject({ looks: 6, nowAndThen: 6, alwaysRight: 0, plains: 0 });
    expect(view.insertion).toMatchObject({ written: 6, byHand: 0 });
    expect(view.filter).toEqual({ accepted: 6, broken: [] });
    const done = events.flatMap((event) => (event.type === 'coldStartProgressed' ? [event.work.done] : []));
    expect(done).toEqual([0, 2, 4, 6]);

    const fewer = await host.changeColdStart({ looks: 3, reflectionRate: 0.5 });
    expect(fewer.selection).toMatchObject({ looks: 3, plains: 3 });
    expect(fewer.mix).toMatchObject({ looks: 3, plains: 3 });
    await expect(host.changeColdStart({ hardShare: 2 })).rejects.toMatchObject({ code: 'usage/argument' });
  });

  it('is saved with where it comes from, and exported as others read it', async () => {
    const { host, kept } = await answered();
    await host.changeColdStart({ reflectionRate: 1 });
    expect(await host.saveColdStart('Mine')).toMatchObject({ name: 'Mine', rows: 6 });
    expect(kept[0]?.rows[0]).toMatchObject({ response: expect.stringContaining('<back>') });
    expect(kept[0]?.origin).toMatchObject({
      ...{ kind: 'cold-start', modelId: 'pocket', fingerprint: 'f', from: null },
      settings: { reflectionRate: 1, rollouts: 2 },
      counts: { problems: 6, accepted: 6, examples: 6, lookingBack: 6 },
    });
    expect((await host.readColdStart())?.savedAs).toBe('Mine');
    const files = unzipSync(new Uint8Array(await (await host.exportColdStart('examples')).arrayBuffer()));
    expect(Object.keys(files).filter((name) => name.startsWith('images/'))).toHaveLength(6);
    const rows = new TextDecoder().decode(files['metadata.jsonl']).trim().split('\n');
    expect(JSON.parse(rows[0]!)).toMatchObject({ writer: 'oracle', images: [expect.stringMatching(/png$/)] });
  });

  it('says that there is none, and that nothing can be saved', async () => {
    const { host } = coldStartTab(memoryStore());
    await expect(host.runColdStart('rollouts')).rejects.toMatchObject({ code: 'data/cold-start' });
    await host.beginColdStart(PLAN);
    await expect(host.saveColdStart('Mine')).rejects.toMatchObject({ code: 'data/dataset-empty' });
    expect(await host.deleteColdStart()).toBe(7);
    expect(await host.readColdStart()).toBeNull();
  });
});

describe('the bounds of the page', () => {
  it('refuse more questions than it can show, and say where more are taken', async () => {
    const { host } = coldStartTab(memoryStore());
    await expect(host.beginColdStart({ ...PLAN, count: 5001 })).rejects.toMatchObject({
      code: 'usage/argument',
      message: expect.stringContaining('at most 5000 questions, not 5001'),
    });
    expect(await host.readColdStart()).toBeNull();
  });

  it('refuse a zip that would not fit into memory', async () => {
    const { host } = await answered(memoryStore(), { pictureBytes: 2 ** 28 });
    await expect(host.exportColdStart('tasks')).rejects.toMatchObject({ code: 'data/dataset-size' });
  });
});

describe('asking the model', () => {
  it('keeps whole waves when paused, and goes on after a reload', async () => {
    const stored = memoryStore();
    let waves = 0;
    const first = coldStartTab(stored, {
      onWave: () => {
        waves++;
        if (waves === 2) return first.host.pauseColdStart();
      },
    });
    await first.host.beginColdStart(PLAN);
    const paused = await first.host.runColdStart('rollouts');
    expect(paused).toMatchObject({ atWork: null, rollouts: { done: 2, total: 6 } });
    const second = coldStartTab(stored);
    expect((await second.host.runColdStart('rollouts')).rollouts.done).toBe(6);
    const whole = (await answered()).view;
    expect((await second.host.readColdStart())?.selection).toEqual(whole.selection);
  });

  it('refuses another model, and keeps its own while it asks', async () => {
    const stored = memoryStore();
    let refused: unknown;
    const tab = coldStartTab(stored, {
      onWave: () => {
        try {
          tab.host.checkRelease();
        } catch (error) {
          refused ??= error;
        }
      },
    });
    await tab.host.beginColdStart(PLAN);
    await expect(
      coldStartTab(stored, { fingerprint: 'other' }).host.runColdStart('rollouts'),
    ).rejects.toMatchObject({ code: 'data/cold-start', data: { modelId: 'pocket' } });
    await tab.host.runColdStart('rollouts');
    expect(refused).toMatchObject({
      code: 'train/busy',
      message: expect.stringContaining('asked for a cold start'),
    });
    tab.host.checkRelease();
  });

  it('lets no other tab change it, and no run train, meanwhile', async () => {
    const stored = memoryStore();
    const other = coldStartTab(stored);
    const seen: unknown[] = [];
    const tab = coldStartTab(stored, {
      onWave: async () => {
        if (seen.length > 0) return;
        seen.push((await other.host.readColdStart())?.atWork, (await tab.host.readColdStart())?.atWork);
        seen.push(await other.host.changeColdStart({ looks: 1 }).catch(({ code }) => code));
        seen.push(await tab.liveRuns.claim('a new run').catch(({ message }) => message));
      },
    });
    await tab.host.beginColdStart(PLAN);
    await tab.host.runColdStart('rollouts');
    expect(seen).toEqual([
      ...['elsewhere', 'here', 'storage/busy'],
      'The model is being asked for a cold start; a new run has to wait: pause it first.',
    ]);
    expect((await other.host.readColdStart())?.atWork).toBeNull();
  });
});

describe('looks of other writers', () => {
  it('come from the model itself, again where the position changed', async () => {
    const { host } = await answered();
    expect((await host.changeColdStart({ insert: 'self' })).insertion.written).toBe(0);
    const view = await host.runColdStart('self');
    expect(view).toMatchObject({ insertion: { written: 6 }, filter: { accepted: 6 } });
    const moved = await host.changeColdStart({ position: 'semantic' });
    expect(moved.insertion.written).toBeLessThan(6);
    expect((await host.runColdStart('self')).insertion.written).toBe(6);
  });

  it('come from the model with an adapter, whose own are kept while another one is chosen', async () => {
    const { host, opened, stored } = await answered();
    const chosen = await host.changeColdStart({ insert: 'adapter' });
    expect(chosen.insertion.written).toBe(0);
    await expect(host.runColdStart('self')).rejects.toMatchObject({
      message: 'No adapter is chosen to write the looks: choose one first.',
    });
    await host.changeColdStart({ writer: { id: 'a1', name: 'Looks back' } });
    expect((await host.runColdStart('self')).insertion.written).toBe(6);
    // The base answered by itself; the looks alone are under the adapter.
    expect(opened).toEqual([null, { id: 'a1' }]);
    expect((await host.changeColdStart({ writer: { id: 'a2', name: 'B' } })).insertion.written).toBe(0);
    const back = await coldStartTab(stored).host.changeColdStart({
      writer: { id: 'a1', name: 'Looks back' },
    });
    expect(back).toMatchObject({ insertion: { written: 6 }, filter: { accepted: 6 } });
    expect((await host.changeColdStart({ insert: 'self' })).insertion.written).toBe(0);
  });

  it('say that their adapter is gone, and keep what it wrote', async () => {
    let waves = 0;
    const { host } = await answered(memoryStore(), {
      onWave: () => {
        // Of the looks, one wave.
        if (++waves > 4) throw new Error('the page closes');
      },
    });
    await host.changeColdStart({ insert: 'adapter', writer: { id: 'a1', name: 'A' } });
    await expect(host.runColdStart('self')).rejects.toThrow('the page closes');
    expect((await host.readColdStart())?.insertion.written).toBe(2);
    await host.changeColdStart({ writer: { id: 'gone', name: 'G' } });
    await expect(host.runColdStart('self')).rejects.toMatchObject({ code: 'storage/missing' });
  });

  it('are saved with the name of the adapter', async () => {
    const { host, kept } = await answered();
    const writer = { id: 'a1', name: 'Looks back' };
    await host.changeColdStart({ insert: 'adapter', writer, reflectionRate: 1 });
    await host.runColdStart('self');
    await host.saveColdStart('Set');
    expect(kept[0]?.origin).toMatchObject({ settings: { insert: 'adapter', writer: 'Looks back' } });
  });

  it('come from another model, which has to be the loaded one; what each wrote is kept', async () => {
    const { host, stored } = await answered();
    await host.changeColdStart({ insert: 'model' });
    await expect(host.runColdStart('self')).rejects.toMatchObject({ data: { key: 'writerModel' } });
    const writerModel = { id: 'org/other', name: 'Other' };
    await host.changeColdStart({ writerModel });
    await expect(host.runColdStart('self')).rejects.toMatchObject({
      ...{ code: 'data/cold-start', data: { modelId: 'org/other' } },
    });
    const tab = coldStartTab(stored, { modelId: 'org/other', fingerprint: 'g' });
    // The answers stay those of the model that the cold start was begun with.
    await expect(tab.host.runColdStart('rollouts')).rejects.toMatchObject({ data: { modelId: 'pocket' } });
    const view = await tab.host.runColdStart('self');
    expect(view).toMatchObject({ modelId: 'pocket', insertion: { written: 6 }, filter: { accepted: 6 } });
    expect(tab.opened).toEqual([null]);
    const third = await host.changeColdStart({ writerModel: { id: 'org/third', name: 'Third' } });
    expect(third.insertion.written).toBe(0);
    expect((await host.changeColdStart({ writerModel })).insertion.written).toBe(6);
    // Other weights of the same name would mix with what is there.
    const changed = coldStartTab(stored, { modelId: 'org/other', fingerprint: 'h' });
    await expect(changed.host.runColdStart('self')).rejects.toThrow('that other weights of it wrote');
  });

  it('go on after a pause, and are saved with the model that wrote them and its weights', async () => {
    const { stored } = await answered();
    let waves = 0;
    const script = {
      modelId: 'org/other',
      fingerprint: 'g',
      onWave: () => ++waves === 2 && tab.host.pauseColdStart(),
    };
    const tab = coldStartTab(stored, script);
    const writerModel = { id: 'org/other', name: 'Other' };
    await tab.host.changeColdStart({ insert: 'model', writerModel, reflectionRate: 1 });
    expect((await tab.host.runColdStart('self')).insertion.written).toBe(2);
    const next = coldStartTab(stored, { modelId: 'org/other', fingerprint: 'g' });
    expect((await next.host.runColdStart('self')).insertion.written).toBe(6);
    await next.host.saveColdStart('Set');
    expect(next.kept[0]?.origin).toMatchObject({
      ...{ modelId: 'pocket', fingerprint: 'f' },
      settings: { insert: 'model', writer: 'org/other', writerFingerprint: 'g' },
    });
    expect(next.kept[0]?.origin).not.toHaveProperty('settings.writerModel');
  });

  it('come from a file that answers the tasks; the filter says what is wrong with them', async () => {
    const { host } = await answered();
    await host.changeColdStart({ insert: 'file', reflectionRate: 1 });
    const zip = unzipSync(new Uint8Array(await (await host.exportColdStart('tasks')).arrayBuffer()));
    const tasks = new TextDecoder()
      .decode(zip['tasks.jsonl'])
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(tasks).toHaveLength(6);
    expect(zip[tasks[0].image]).toBeDefined();
    const texts = tasks.map(({ id, question, opening }, at) => {
      const text = worldLook({ position: 'solution' }, opening, sampleOf(question));
      return { id, text: at === 0 ? text.replace(/<back>.*<\/back>/, '<back> </back>') : text };
    });
    const { taken, unknown, view } = await host.importColdStartLooks(
      textFile([...texts, { id: 'else', text: 'x' }]),
    );
    expect([taken, unknown]).toEqual([6, 1]);
    expect(view.filter).toMatchObject({
      accepted: 5,
      broken: [{ count: 1, examples: [{ id: texts[0]?.id }] }],
    });
    await expect(host.importColdStartLooks(textFile([{ id: 1 }]))).rejects.toMatchObject({
      code: 'data/row',
      message: expect.stringContaining('looks.jsonl, line 1'),
    });

    const look = await host.readColdStartLook(0);
    expect(look).toMatchObject({ index: 0, total: 6, written: true, opening: tasks[0].opening });
    expect(look.broken).toHaveLength(1);
    const mended = await host.writeColdStartLook(
      0,
      worldLook({ position: 'solution' }, look.opening, sampleOf(look.question)),
    );
    expect(mended).toMatchObject({ written: true, broken: [] });
    expect(await host.readColdStart()).toMatchObject({ insertion: { byHand: 1 }, filter: { accepted: 6 } });
  });

  it('of a person begin with the opening and an open look', async () => {
    const { host } = await answered();
    await host.changeColdStart({ insert: 'hand' });
    const look = await host.readColdStartLook(5);
    expect(look).toMatchObject({ written: false, text: `${look.opening} <back>`, broken: [] });
    await expect(host.readColdStartLook(6)).rejects.toMatchObject({ code: 'usage/argument' });
  });
});

describe('a cold start of a dataset', () => {
  it('asks at most as many questions as it has rows, and has no oracle', async () => {
    const { question, answer } = { question: sampleOf(await firstQuestion()).text, answer: '3' };
    const rows = [{ image: await png(), imageName: 'a.png', question, answer, response: null }];
    const tab = coldStartTab(memoryStore(), { rows });
    const source = { kind: 'dataset', datasetId: 'd', name: 'Sheets' } as const;
    await expect(tab.host.beginColdStart({ ...PLAN, source })).rejects.toMatchObject({
      code: 'usage/argument',
      message: expect.stringContaining('Only the built-in world'),
    });
    await tab.host.beginColdStart({ ...PLAN, source, insert: 'self' });
    expect((await tab.host.runColdStart('rollouts')).rollouts).toMatchObject({ done: 1, total: 1 });
    const none = coldStartTab(memoryStore(), { rows: [] });
    await expect(none.host.beginColdStart({ ...PLAN, source, insert: 'self' })).rejects.toMatchObject({
      code: 'data/dataset-empty',
    });
  });
});

async function firstQuestion(): Promise<string> {
  return (await answered()).view.rollouts.examples[0]!.question;
}
