// One run through trouble: lost devices, numbers that are not finite, full disks, another device, and many phases.
import { describe, expect, it } from 'vitest';
import { GpuError, StorageError } from '../../../src/lib/errors';
import { memoryRuns } from './memory_runs';
import { BASE, PLAN, type ScriptedSetup, scriptedHost } from './training_script';

const never = () => new Promise(() => undefined);

async function unbroken() {
  const whole = scriptedHost();
  await whole.host.startTraining(PLAN);
  await whole.until('finished');
  return whole.host.readRun('run-1');
}

describe('a lost device', () => {
  it('costs the steps since the checkpoint, and the run goes on as an unbroken one would', async () => {
    let lost = false;
    const setup: ScriptedSetup = {
      devices: 2,
      // A step on a lost device may never settle.
      onStep: (step) => {
        if (step !== 4 || lost) return undefined;
        lost = true;
        made.devices[0]?.lose();
        return never();
      },
    };
    const made = scriptedHost(setup);
    await made.host.startTraining(PLAN);
    await made.until('finished');
    const run = await made.host.readRun('run-1');
    expect(run.metrics).toEqual((await unbroken()).metrics);
    expect(run.summary.reason).toMatchObject({ code: 'gpu/device-lost', data: { from: 2 } });
    expect(made.statuses().map(({ phase }) => phase)).toContain('recovering');
    expect(made.trainers).toHaveLength(2);
    // Its memory went with the device.
    expect(made.trainers[0]?.destroyed).toBe(false);
    expect(made.stores.writes).toContain('progress 3');
  });

  it('pauses with the reason when no other comes back', async () => {
    const made = scriptedHost({
      onStep: (step) => {
        if (step !== 3) return undefined;
        made.devices[0]?.lose();
        return Promise.reject(new GpuError('gpu/validation', 'some complaint about a lost device'));
      },
    });
    await made.host.startTraining(PLAN);
    await made.until('paused');
    expect(await made.host.listRuns()).toMatchObject([
      { state: 'paused', checkpointStep: 2, reason: { code: 'gpu/device-lost' } },
    ]);
    expect(made.locks.held).toBe(0);
  });

  it('while the trainer is made begins that again', async () => {
    const made = scriptedHost({
      devices: 2,
      onMake: (count) => {
        if (count > 0 || made.devices[0]?.gpu.isLost()) return undefined;
        made.devices[0]?.lose();
        return never();
      },
    });
    await made.host.startTraining(PLAN);
    await made.until('finished');
    expect(made.trainers).toHaveLength(1);
  });
});

describe('trouble', () => {
  it('pauses at a step that is not finite, and goes on from the last good checkpoint', async () => {
    let bad = true;
    const { host, until, trainers, stores } = scriptedHost({
      outcome: (step) => (step === 3 && bad ? { metrics: { loss: Number.NaN } } : {}),
    });
    await host.startTraining(PLAN);
    await until('paused');
    expect(await host.listRuns()).toMatchObject([
      { state: 'paused', checkpointStep: 2, reason: { code: 'train/not-finite' } },
    ]);
    expect((await host.readRun('run-1')).metrics.at(-1)?.values.loss).toBeNaN();
    expect(stores.writes).not.toContain('checkpoint 3');
    expect(trainers[0]?.destroyed).toBe(true);
    bad = false;
    await host.resumeTraining('run-1');
    await until('finished');
    expect((await host.readRun('run-1')).metrics).toEqual((await unbroken()).metrics);
  });

  it('pauses when the disk is full, and loses no step when it goes on with room', async () => {
    let full = false;
    const { host, until, trainers } = scriptedHost({
      onStep: (step) => {
        full = full || step === 3;
      },
      refuse: (what) => {
        if (full && what.startsWith('progress')) throw new StorageError('storage/full', 'There is no room.');
      },
    });
    await host.startTraining(PLAN);
    await until('paused');
    expect(await host.listRuns()).toMatchObject([{ state: 'paused', reason: { code: 'storage/full' } }]);
    full = false;
    if (trainers[0]) trainers[0].script.onStep = () => undefined;
    await host.resumeTraining('run-1');
    await until('finished');
    expect(trainers).toHaveLength(1);
    expect((await host.readRun('run-1')).metrics).toEqual((await unbroken()).metrics);
  });

  it('fails with what is wrong with the plan, and may be tried again', async () => {
    const { host, until } = scriptedHost({
      onMake: (made) => (made === 0 && !fixed ? Promise.reject(new Error('no such rows')) : undefined),
    });
    let fixed = false;
    await host.startTraining(PLAN);
    await until('failed');
    expect(await host.listRuns()).toMatchObject([{ state: 'failed', reason: { message: 'no such rows' } }]);
    fixed = true;
    await host.resumeTraining('run-1');
    await until('finished');
  });

  it('says when a checkpoint goes on elsewhere', async () => {
    const stores = memoryRuns();
    const first = scriptedHost({ stores, onStep: (step) => (step > 2 ? never() : undefined) });
    await first.host.startTraining(PLAN);
    while (stores.writes.at(-1) !== 'checkpoint 2') await new Promise((resolve) => setTimeout(resolve, 0));
    const second = scriptedHost({ stores, base: () => ({ ...BASE, device: 'another' }) });
    await second.host.resumeTraining('run-1');
    await second.until('finished');
    expect((await second.host.readRun('run-1')).summary.reason).toMatchObject({ code: 'train/other-device' });
    expect(second.statuses().some(({ state, reason }) => state === 'running' && reason !== null)).toBe(true);
  });
});

describe('what is told', () => {
  it('keeps what is to be known of a run beside its state, to the end', async () => {
    const notice = { code: 'train/left-out', message: '2 of the 9 rows are left out.' } as const;
    const { host, until, statuses } = scriptedHost({ notice });
    await host.startTraining(PLAN);
    await until('finished');
    expect(
      statuses()
        .filter(({ state }) => state === 'running')
        .map(({ reason }) => reason),
    ).toContainEqual(notice);
    expect(await host.listRuns()).toMatchObject([{ state: 'finished', reason: notice }]);
  });

  it('throttles phases, never states and steps', async () => {
    const { host, until, statuses } = scriptedHost({ maxSteps: 4, now: () => 0 });
    await host.startTraining(PLAN);
    await until('finished');
    const told = statuses().map(({ state, step }) => `${state} ${step}`);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toEqual([
      ...['preparing 0', 'running 0', 'running 1', 'running 2', 'running 3', 'running 4', 'finished 4'],
    ]);
  });

  it('tells the last phase even when nothing follows', async () => {
    const { host, statuses } = scriptedHost({ onStep: never });
    await host.startTraining(PLAN);
    for (let turn = 0; turn < 100 && statuses().at(-1)?.phase !== 'sampling'; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(statuses().at(-1)).toMatchObject({ state: 'running', phase: 'sampling' });
    await host.pauseTraining();
  });

  it('reports groups, evaluations and their samples, and keeps them', async () => {
    const completion = {
      ...{ text: '<think> a </think> \\boxed{ 3 }', tokens: 9, truncated: false, correct: true },
      ...{ rewards: { accuracy: 1 }, reasons: {}, reward: 1, advantage: 0.5 },
    };
    const { host, until, events } = scriptedHost({
      maxSteps: 1,
      outcome: () => ({
        groups: [{ key: 4, question: 'q', expected: '3', dropped: null, completions: [completion] }],
      }),
      evaluation: () => ({ samples: [{ key: 5, question: 'q', expected: '3', text: 'no box' }] }),
    });
    await host.startTraining({ ...PLAN, evalSteps: 1, evalSize: 4 });
    await until('finished');
    expect(events.find(({ type }) => type === 'groupsSampled')).toMatchObject({
      runId: 'run-1',
      step: 1,
      groups: [{ question: 'q', completions: [{ answer: '3', format: 'cot', advantage: 0.5 }] }],
    });
    const detail = await host.readRun('run-1');
    expect(detail.groups?.groups).toHaveLength(1);
    expect(detail.samples).toMatchObject([
      { step: 1, samples: [{ answer: null, correct: false, format: 'none' }] },
    ]);
    expect(detail.metrics).toEqual([
      { step: 1, values: expect.objectContaining({ loss: 1, eval_answers: 4 }) },
    ]);
    expect(events.find(({ type }) => type === 'evaluated')).toMatchObject({
      metrics: { step: 1, values: { eval_answers: 4 } },
    });
  });

  it('lets an answer have the device between submits', async () => {
    const told: string[] = [];
    const { host, until, turns } = scriptedHost({ onStep: (step) => void told.push(`step ${step}`) });
    await host.startTraining(PLAN);
    await turns.answer(async () => {
      const before = told.length;
      await new Promise((resolve) => setTimeout(resolve, 20));
      told.push(before === told.length ? 'answered alone' : 'answered amid a step');
    });
    await until('finished');
    expect(told).toContain('answered alone');
    expect(told).toContain('step 4');
  });
});
