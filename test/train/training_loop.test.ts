// The loop over a scripted trainer: order of saving, wishes in mid-step, single steps, steps that are not finite, loss.
import { describe, expect, it } from 'vitest';
import { GpuError, LookBackError } from '../../src/lib/errors';
import type { ScoredGroup } from '../../src/train/trainer';
import { type LoopStatus, StepPace, TrainingLoop } from '../../src/train/training_loop';
import { type Script, scriptedTrainer } from './scripted_trainer';

function loopOf(script: Script = {}, saveSteps = 2, turn?: () => Promise<void>) {
  const trainer = scriptedTrainer(script);
  const told: string[] = [];
  const statuses: LoopStatus[] = [];
  let time = 0;
  const loop = new TrainingLoop(
    trainer,
    {
      onStatus: (status) => statuses.push(status),
      onStep: async ({ step }) => void told.push(`step ${step}`),
      onCheckpoint: async ({ step }) => void told.push(`saved ${step}`),
    },
    { saveSteps, now: () => (time += 500), ...(turn ? { turn } : {}) },
  );
  return { loop, trainer, told, statuses };
}

describe('TrainingLoop', () => {
  it('steps to the end and saves every second step and the last', async () => {
    const { loop, told, statuses } = loopOf({ maxSteps: 5 });
    expect(await loop.run()).toBe('finished');
    const steps = ['step 1', 'step 2', 'saved 2', 'step 3', 'step 4', 'saved 4', 'step 5', 'saved 5'];
    expect(told).toEqual(steps);
    expect(loop.status).toMatchObject({ state: 'finished', step: 5, maxSteps: 5, reason: null });
    // The scripted clock advances half a second per look, and a step looks twice.
    expect(loop.status.secondsPerStep).toBe(0.5);
    expect(statuses.some(({ phase, fraction }) => phase === 'updating' && fraction === 0.5)).toBe(true);
    expect(statuses[0]).toMatchObject({ state: 'running', secondsPerStep: null });
  });

  it('does not save the last step twice when it falls on a save', async () => {
    const { loop, told } = loopOf({ maxSteps: 2 });
    await loop.run();
    expect(told).toEqual(['step 1', 'step 2', 'saved 2']);
  });

  it('saves only at the end with saveSteps 0', async () => {
    const { loop, told } = loopOf({ maxSteps: 3 }, 0);
    await loop.run();
    expect(told).toEqual(['step 1', 'step 2', 'step 3', 'saved 3']);
  });

  it('pauses where a user’s reward goes wrong, saves the last whole step, and goes on from there', async () => {
    let wrong = true;
    const { loop, told } = loopOf(
      {
        maxSteps: 4,
        onStep: (step) => {
          if (step === 4 && wrong) throw new LookBackError('reward/time', 'It took too long.');
          return undefined;
        },
      },
      0,
    );
    expect(await loop.run()).toBe('paused');
    expect(loop.status).toMatchObject({ state: 'paused', step: 3, reason: { code: 'reward/time' } });
    expect(told).toEqual(['step 1', 'step 2', 'step 3', 'saved 3']);
    wrong = false;
    expect(await loop.run()).toBe('finished');
    expect(told.slice(4)).toEqual(['step 4', 'saved 4']);
    expect(loop.status.reason).toBeNull();
  });

  it('throws the step in flight away on pause, saves the last whole one, and goes on from there', async () => {
    const { loop, trainer, told, statuses } = loopOf({
      maxSteps: 4,
      onStep: (step) => {
        if (step !== 4) return undefined;
        loop.pause();
        return new Promise(() => undefined);
      },
    });
    trainer.script.maxSteps = 5;
    expect(await loop.run()).toBe('paused');
    expect(told).toEqual(['step 1', 'step 2', 'saved 2', 'step 3', 'saved 3']);
    expect(statuses.map(({ state }) => state)).toContain('pausing');
    expect(loop.status).toMatchObject({ state: 'paused', step: 3, reason: null });
    trainer.script.onStep = () => undefined;
    expect(await loop.run()).toBe('finished');
    expect(told.slice(5)).toEqual(['step 4', 'saved 4', 'step 5', 'saved 5']);
  });

  it('stops for good, also when a pause was asked first', async () => {
    const { loop, told } = loopOf({
      onStep: (step) => {
        if (step !== 2) return;
        loop.pause();
        loop.stop();
        loop.pause();
      },
    });
    expect(await loop.run()).toBe('stopped');
    expect(told).toEqual(['step 1', 'saved 1']);
  });

  it('keeps a step that was whole before the wish could cut it', async () => {
    const { loop, told } = loopOf({ deaf: true, onStep: (step) => void (step === 2 && loop.pause()) });
    expect(await loop.run()).toBe('paused');
    expect(told).toEqual(['step 1', 'step 2', 'saved 2']);
  });

  it('makes no step when it was paused before it began', async () => {
    const { loop, told } = loopOf();
    loop.pause();
    expect(await loop.run()).toBe('paused');
    expect(told).toEqual(['saved 0']);
  });

  it('makes single steps, each saved', async () => {
    const { loop, told } = loopOf({ maxSteps: 2 });
    expect(await loop.stepOnce()).toBe('paused');
    expect(await loop.stepOnce()).toBe('finished');
    expect(told).toEqual(['step 1', 'saved 1', 'step 2', 'saved 2']);
  });

  it.each([
    ['a gradient', { finite: false, metrics: { loss: 1 } }],
    ['loss', { finite: true, metrics: { loss: Number.NaN } }],
    ['grad_norm', { finite: true, metrics: { loss: 1, grad_norm: Number.POSITIVE_INFINITY } }],
  ])('pauses when %s is not finite, and saves nothing', async (what, bad) => {
    const { loop, told } = loopOf({ outcome: (step) => (step === 4 ? bad : {}) });
    expect(await loop.run()).toBe('paused');
    expect(told).toEqual(['step 1', 'step 2', 'saved 2', 'step 3', 'step 4']);
    expect(loop.status.reason?.code).toBe('train/not-finite');
    expect(loop.status.reason?.message).toContain(what);
  });

  it('lets other metrics be undefined numbers', async () => {
    const { loop } = loopOf({ outcome: () => ({ metrics: { loss: 1, 'rewards/back/mean': Number.NaN } }) });
    expect(await loop.run()).toBe('finished');
  });

  it('hands on what the trainer throws, and saves nothing', async () => {
    const lost = new GpuError('gpu/device-lost', 'gone');
    const { loop, told } = loopOf({ onStep: (step) => (step === 2 ? Promise.reject(lost) : undefined) });
    await expect(loop.run()).rejects.toBe(lost);
    expect(told).toEqual(['step 1']);
  });

  it('hands on what the sink throws', async () => {
    const trainer = scriptedTrainer({ maxSteps: 1 });
    const full = new Error('full');
    const sink = {
      onStatus: () => undefined,
      onStep: () => undefined,
      onCheckpoint: () => Promise.reject(full),
    };
    await expect(new TrainingLoop(trainer, sink, { saveSteps: 1 }).run()).rejects.toBe(full);
  });

  it('can be paused while others have the device', async () => {
    let turns = 0;
    const { loop, told } = loopOf({ maxSteps: 3 }, 0, () => {
      if (++turns < 2) return Promise.resolve();
      loop.pause();
      return new Promise(() => undefined);
    });
    expect(await loop.run()).toBe('paused');
    expect(told).toEqual(['step 1', 'saved 1']);
  });
});

describe('the time of a step', () => {
  const paceOf = (steps: readonly (readonly [seconds: number, updated: boolean])[]) => {
    const pace = new StepPace();
    for (const [seconds, updated] of steps) pace.add(seconds, updated);
    return pace.secondsPerStep;
  };

  it('is not known from steps that did not update, as updates take longer', () => {
    expect(paceOf([])).toBeNull();
    expect(paceOf([[15, false]])).toBeNull();
    expect(paceOf([[26, true]])).toBe(26);
    expect(paceOf(Array(5).fill([15, false]))).toBe(15);
  });

  it('weighs both kinds by how often they came', () => {
    // One of four was dropped: 3/4 of 26 s and 1/4 of 14 s.
    expect(
      paceOf([
        [26, true],
        [26, true],
        [26, true],
        [14, false],
      ]),
    ).toBe(23);
    // A run of dropped steps does not push the time of an update out of the mean.
    const dropped = Array<[number, boolean]>(7).fill([10, false]);
    expect(paceOf([[30, true], ...dropped])).toBe(30 / 8 + (7 * 10) / 8);
  });

  it('takes a step whose groups were all dropped for one that does not update', async () => {
    const group = (dropped: ScoredGroup['dropped']): ScoredGroup => ({
      ...{ key: 0, question: '', expected: '', completions: [] },
      dropped,
    });
    const { loop, statuses } = loopOf({
      maxSteps: 2,
      outcome: (step) => ({ groups: [group('uniform'), group(step === 1 ? 'truncated' : null)] }),
    });
    await loop.run();
    const lastOf = (step: number) => statuses.filter((status) => status.step === step).at(-1)?.secondsPerStep;
    expect(lastOf(1)).toBeNull();
    expect(lastOf(2)).toBe(0.5);
  });
});
