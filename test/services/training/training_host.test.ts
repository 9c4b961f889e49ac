// The commands of training over scripted trainers: recording, one live run, pause, step, stop, what a crash leaves.
import { describe, expect, it } from 'vitest';
import { memoryRuns } from './memory_runs';
import { PLAN, scriptedHost } from './training_script';

const never = () => new Promise(() => undefined);

describe('starting', () => {
  it('records the run first, trains it to its end, and frees the trainer', async () => {
    const { host, stores, until, trainers, locks, statuses, events, changes } = scriptedHost();
    const started = await host.startTraining(PLAN);
    expect(started).toMatchObject({ id: 'run-1', state: 'preparing', step: 0, checkpointStep: null });
    expect(stores.writes[0]).toBe('create');
    await until('finished');
    expect(await host.listRuns()).toMatchObject([{ state: 'finished', step: 4, checkpointStep: 4 }]);
    const detail = await host.readRun('run-1');
    expect(detail.metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(detail.summary.reason).toBeNull();
    expect(events.filter(({ type }) => type === 'trainingStepped')).toHaveLength(4);
    expect(statuses().map(({ state }) => state)).toEqual(expect.arrayContaining(['preparing', 'running']));
    expect(trainers[0]?.destroyed).toBe(true);
    expect(locks.held).toBe(0);
    expect(changes()).toBeGreaterThan(0);
  });

  it.each([
    ['a name', { name: ' ' }, 'usage/argument'],
    ['a known method', { method: 'dpo' as 'sft' }, 'usage/argument'],
    ['whole saveSteps', { saveSteps: -1 }, 'usage/argument'],
    ['sound numbers', { maxSteps: 0 }, 'usage/argument'],
    ['the loaded model', { modelId: 'large' }, 'train/model'],
  ])('asks for %s', async (_, change, code) => {
    const { host, stores } = scriptedHost();
    await expect(host.startTraining({ ...PLAN, ...change })).rejects.toMatchObject({ code });
    expect(stores.writes).toEqual([]);
  });

  it('refuses a second run, another model, and deleting the live one', async () => {
    const { host, until } = scriptedHost({ onStep: never });
    await host.startTraining(PLAN);
    await expect(host.startTraining(PLAN)).rejects.toMatchObject({ code: 'train/busy' });
    await expect(host.resumeTraining('run-1')).rejects.toMatchObject({ code: 'train/busy' });
    await expect(host.deleteRun('run-1')).rejects.toMatchObject({ code: 'train/busy' });
    expect(() => host.checkRelease()).toThrow(expect.objectContaining({ code: 'train/busy' }));
    await host.pauseTraining();
    await until('paused');
    host.checkRelease();
    host.release();
    expect(await host.deleteRun('run-1')).toBe(9);
    expect(await host.listRuns()).toEqual([]);
  });

  it('refuses while another tab trains', async () => {
    const { host, stores } = scriptedHost({ lock: async () => null });
    await expect(host.startTraining(PLAN)).rejects.toMatchObject({
      code: 'train/busy',
      data: { where: 'elsewhere' },
    });
    expect(stores.writes).toEqual([]);
  });

  it('gives the lock back when recording fails', async () => {
    const { host, locks } = scriptedHost({
      refuse: () => {
        throw new Error('full');
      },
    });
    await expect(host.startTraining(PLAN)).rejects.toThrow('full');
    expect(locks.held).toBe(0);
  });
});

describe('pausing', () => {
  it('resolves when the checkpoint is stored, and goes on from memory', async () => {
    const script = { onStep: (step: number): unknown => (step === 2 ? never() : undefined) };
    const { host, stores, trainers, until } = scriptedHost(script);
    await host.startTraining(PLAN);
    await until('running');
    while (stores.writes.at(-1) !== 'progress 1') await new Promise((resolve) => setTimeout(resolve, 0));
    await host.pauseTraining();
    expect(await host.listRuns()).toMatchObject([
      { state: 'paused', step: 1, checkpointStep: 1, reason: null },
    ]);
    if (trainers[0]) trainers[0].script.onStep = () => undefined;
    expect(await host.resumeTraining('run-1')).toMatchObject({ id: 'run-1' });
    await until('finished');
    expect(trainers).toHaveLength(1);
  });

  it('cuts preparation short, and then begins again', async () => {
    let made = 0;
    const { host, until, trainers } = scriptedHost({
      onMake: (_, signal) =>
        made++ > 0
          ? undefined
          : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    await host.startTraining(PLAN);
    await until('preparing');
    while (made === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    await host.pauseTraining();
    await until('paused');
    expect(await host.listRuns()).toMatchObject([{ state: 'paused', checkpointStep: null, reason: null }]);
    await host.resumeTraining('run-1');
    await until('finished');
    expect(trainers).toHaveLength(1);
  });

  it('does not wait for a trainer that cannot be stopped, and frees it when it comes', async () => {
    let finish: (() => void) | undefined;
    const { host, until, trainers, turns } = scriptedHost({
      onMake: (made) => (made > 0 ? undefined : new Promise<void>((resolve) => (finish = resolve))),
    });
    await host.startTraining(PLAN);
    while (finish === undefined) await new Promise((resolve) => setTimeout(resolve, 0));
    await host.pauseTraining();
    await until('paused');
    expect(await turns.answer(async () => 'free')).toBe('free');
    finish();
    await until('paused');
    expect(trainers.map(({ destroyed }) => destroyed)).toEqual([true]);
    await host.resumeTraining('run-1');
    await until('finished');
  });

  it('makes single steps', async () => {
    const { host, trainers, until } = scriptedHost({ onStep: (step) => (step === 1 ? never() : undefined) });
    await host.startTraining(PLAN);
    await until('running');
    await host.pauseTraining();
    if (trainers[0]) trainers[0].script.onStep = () => undefined;
    await host.stepTraining('run-1');
    expect(await host.listRuns()).toMatchObject([{ state: 'paused', step: 1, checkpointStep: 1 }]);
    await host.stepTraining('run-1');
    expect(await host.listRuns()).toMatchObject([{ state: 'paused', step: 2, checkpointStep: 2 }]);
  });

  it('is nothing when nothing is live', async () => {
    const { host } = scriptedHost();
    await host.pauseTraining();
    await host.stopTraining();
    expect(await host.listRuns()).toEqual([]);
  });
});

describe('stopping', () => {
  it('keeps a checkpoint and ends the run for good', async () => {
    const { host, stores } = scriptedHost({ onStep: (step) => (step === 2 ? never() : undefined) });
    await host.startTraining(PLAN);
    while (stores.writes.at(-1) !== 'progress 1') await new Promise((resolve) => setTimeout(resolve, 0));
    await host.stopTraining();
    expect(await host.listRuns()).toMatchObject([{ state: 'stopped', checkpointStep: 1 }]);
    await expect(host.resumeTraining('run-1')).rejects.toMatchObject({ code: 'usage/argument' });
  });

  it('closes a paused run, too', async () => {
    const { host, trainers } = scriptedHost({ onStep: never });
    await host.startTraining(PLAN);
    await host.pauseTraining();
    await host.stopTraining();
    expect(await host.listRuns()).toMatchObject([{ state: 'stopped' }]);
    expect(trainers.every(({ destroyed }) => destroyed)).toBe(true);
  });
});

describe('after a crash', () => {
  async function crashed(steps: number) {
    const stores = memoryRuns();
    const first = scriptedHost({ stores, onStep: (step) => (step > steps ? never() : undefined) });
    await first.host.startTraining(PLAN);
    while (stores.writes.at(-1) !== `progress ${steps}`)
      await new Promise((resolve) => setTimeout(resolve, 0));
    return stores;
  }

  it('shows the run as paused at its checkpoint, and goes on bit for bit', async () => {
    const whole = scriptedHost();
    await whole.host.startTraining(PLAN);
    await whole.until('finished');

    const stores = await crashed(3);
    const { host, until } = scriptedHost({ stores });
    expect(await host.listRuns()).toMatchObject([
      { state: 'paused', step: 3, checkpointStep: 2, reason: { code: 'train/interrupted' } },
    ]);
    await host.resumeTraining('run-1');
    await until('finished');
    const [resumed, unbroken] = [await host.readRun('run-1'), await whole.host.readRun('run-1')];
    expect(resumed.metrics).toEqual(unbroken.metrics);
    expect(await stores.runs.readCheckpoint('run-1')).toEqual(
      await whole.stores.runs.readCheckpoint('run-1'),
    );
    expect(resumed.summary.reason).toBeNull();
  });

  it('in the midst of an evaluation loses no step and no evaluation', async () => {
    const plan = { ...PLAN, saveSteps: 0, evalSteps: 3, evalSize: 4 };
    const evaluation = () => ({});
    const whole = scriptedHost({ evaluation });
    await whole.host.startTraining(plan);
    await whole.until('finished');

    const first = scriptedHost({ onEvaluate: () => new Promise(() => undefined) });
    await first.host.startTraining(plan);
    for (let turn = 0; turn < 100 && first.statuses().at(-1)?.phase !== 'evaluating'; turn++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const { host, until } = scriptedHost({ stores: first.stores, evaluation });
    expect(await host.listRuns()).toMatchObject([{ state: 'paused', step: 3, checkpointStep: 3 }]);
    await host.resumeTraining('run-1');
    await until('finished');
    const [resumed, unbroken] = [await host.readRun('run-1'), await whole.host.readRun('run-1')];
    expect(resumed.metrics).toEqual(unbroken.metrics);
    expect(resumed.summary.best).toEqual(unbroken.summary.best);
    expect(await first.stores.runs.readCheckpoint('run-1')).toEqual(
      await whole.stores.runs.readCheckpoint('run-1'),
    );
    expect(resumed.summary.best?.value).toBeGreaterThan(0);
    expect(resumed.metrics.filter(({ values }) => 'eval_accuracy' in values).map(({ step }) => step)).toEqual(
      [3, 4],
    );
  });

  it('leaves the run of another tab alone', async () => {
    const stores = await crashed(3);
    const { host } = scriptedHost({ stores, lock: async () => null });
    expect(await host.listRuns()).toMatchObject([{ state: 'running' }]);
    await expect(host.deleteRun('run-1')).rejects.toMatchObject({ code: 'train/busy' });
  });

  it('does not go on from memory when another tab took the run further', async () => {
    const { host, stores, trainers, until } = scriptedHost({
      onStep: (step) => (step === 2 ? never() : undefined),
    });
    await host.startTraining(PLAN);
    while (stores.writes.at(-1) !== 'progress 1') await new Promise((resolve) => setTimeout(resolve, 0));
    await host.pauseTraining();
    stores.change('run-1', { updatedAt: 5 });
    for (const trainer of trainers) trainer.script.onStep = () => undefined;
    await host.resumeTraining('run-1');
    await until('preparing', 'running', 'pausing', 'paused', 'finished');
    await host.pauseTraining();
    expect(trainers).toHaveLength(2);
    expect(trainers[0]?.destroyed).toBe(true);
  });
});

describe('exporting', () => {
  it('gives metrics as lines and as a table', async () => {
    const { host, until } = scriptedHost({ maxSteps: 2 });
    await host.startTraining(PLAN);
    await until('finished');
    const lines = (await (await host.exportRun('run-1', 'jsonl')).text()).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).step)).toEqual([1, 2]);
    expect(await (await host.exportRun('run-1', 'csv')).text()).toMatch(/^step,loss,state\r\n1,1,/);
    await expect(host.exportRun('run-1', 'xml' as 'csv')).rejects.toMatchObject({ code: 'usage/argument' });
  });
});

describe('notes', () => {
  it('are kept beside a run, also a live one, and leave its state in memory good', async () => {
    const { host, stores, until, trainers } = scriptedHost({
      onStep: (step) => (step === 2 ? never() : undefined),
    });
    await host.startTraining(PLAN);
    while (stores.writes.at(-1) !== 'progress 1') await new Promise((resolve) => setTimeout(resolve, 0));
    await host.noteRun('run-1', 'while it trains');
    await host.pauseTraining();
    await host.noteRun('run-1', 'while it waits');
    expect((await host.listRuns())[0]).toMatchObject({ state: 'paused', notes: 'while it waits' });
    for (const trainer of trainers) trainer.script.onStep = () => undefined;
    await host.resumeTraining('run-1');
    await until('finished');
    expect(trainers).toHaveLength(1);
    expect((await host.listRuns())[0]?.notes).toBe('while it waits');
    await expect(host.noteRun('run-1', 'x'.repeat(20_001))).rejects.toMatchObject({ code: 'usage/argument' });
  });
});

describe('estimating', () => {
  it('checks the plan first', async () => {
    const { host } = scriptedHost();
    expect(await host.estimateTraining(PLAN)).toMatchObject({ fits: true });
    await expect(host.estimateTraining({ ...PLAN, maxSteps: -1 })).rejects.toMatchObject({
      code: 'usage/argument',
    });
  });
});
