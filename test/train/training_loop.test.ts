// The loop over a scripted trainer: order of saving, wishes in mid-step, single steps, steps that are not finite, loss.
import { describe, expect, it } from 'vitest';
import { GpuError, LookBackError } from '../../src/lib/errors';
import type { ScoredGroup, TrainerCheckpoint } from '../../src/train/trainer';
import {
  type EvaluationOptions,
  type LoopStatus,
  StepPace,
  TrainingLoop,
} from '../../src/train/training_loop';
import { type Script, scriptedTrainer } from './scripted_trainer';

const NO_EVALUATION: EvaluationOptions = {
  ...{ evalSteps: 0, metricForBestModel: 'loss', earlyStoppingPatience: 0, earlier: [], best: null },
};

interface Given extends Partial<EvaluationOptions> {
  readonly from?: TrainerCheckpoint;
}

/** An evaluation that was recorded before. */
const recorded = (step: number, accuracy: number) => ({ step, values: { eval_accuracy: accuracy } });

function loopOf(script: Script = {}, saveSteps = 2, turn?: () => Promise<void>, given: Given = {}) {
  const { from = null, ...evaluation } = given;
  const trainer = scriptedTrainer(script, from);
  const told: string[] = [];
  /** Of each checkpoint: step, value and adapter of the best. */
  const kept: (readonly number[] | null)[] = [];
  const statuses: LoopStatus[] = [];
  let time = 0;
  const loop = new TrainingLoop(
    trainer,
    {
      onStatus: (status) => statuses.push(status),
      onStep: async ({ step }) => void told.push(`step ${step}`),
      onEvaluation: async ({ step }) => void told.push(`evaluated ${step}`),
      onCheckpoint: async ({ step, best }) => {
        told.push(`saved ${step}`);
        kept.push(best === null ? null : [best.step, best.value, best.adapter[0] ?? 0]);
      },
    },
    {
      saveSteps,
      evaluation: { ...NO_EVALUATION, ...evaluation },
      now: () => (time += 500),
      ...(turn ? { turn } : {}),
    },
  );
  return { loop, trainer, told, statuses, kept };
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
      onEvaluation: () => undefined,
      onCheckpoint: () => Promise.reject(full),
    };
    const options = { saveSteps: 1, evaluation: NO_EVALUATION };
    await expect(new TrainingLoop(trainer, sink, options).run()).rejects.toBe(full);
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

describe('an evaluation', () => {
  /** Without a figure to judge, nothing is the best. */
  const evaluation = () => ({ metrics: { eval_runtime: 1 } });

  it('comes every few steps and after the last, behind a checkpoint of its step', async () => {
    const { loop, told, statuses } = loopOf({ maxSteps: 5, evaluation }, 0, undefined, { evalSteps: 2 });
    expect(await loop.run()).toBe('finished');
    expect(told).toEqual([
      ...['step 1', 'step 2', 'saved 2', 'evaluated 2'],
      ...['step 3', 'step 4', 'saved 4', 'evaluated 4', 'step 5', 'saved 5', 'evaluated 5'],
    ]);
    expect(statuses.filter(({ phase }) => phase === 'evaluating').map(({ step }) => step)).toContain(5);
  });

  it('never comes where nothing is held out, or none is asked for', async () => {
    for (const [script, evalSteps] of [
      [{}, 1],
      [{ evaluation }, 0],
    ] as const) {
      const { loop, told } = loopOf({ ...script, maxSteps: 1 }, 0, undefined, { evalSteps });
      await loop.run();
      expect(told).toEqual(['step 1', 'saved 1']);
    }
  });

  it('that a pause cuts short is done again before the next step, and no step is lost', async () => {
    let cut = true;
    const onEvaluate = () => {
      if (!cut) return undefined;
      loop.pause();
      return new Promise(() => undefined);
    };
    const { loop, told } = loopOf({ maxSteps: 2, onEvaluate, evaluation }, 0, undefined, { evalSteps: 1 });
    expect(await loop.run()).toBe('paused');
    expect(told).toEqual(['step 1', 'saved 1']);
    cut = false;
    expect(await loop.run()).toBe('finished');
    expect(told.slice(2)).toEqual(['evaluated 1', 'step 2', 'saved 2', 'evaluated 2']);
  });

  it('of the last step, cut short, leaves the run paused there; stopped, it stays out', async () => {
    let wish: 'pause' | 'stop' = 'pause';
    const onEvaluate = () => {
      loop[wish]();
      return new Promise(() => undefined);
    };
    const { loop, told } = loopOf({ maxSteps: 1, onEvaluate }, 0, undefined, { evalSteps: 5 });
    expect(await loop.run()).toBe('paused');
    wish = 'stop';
    expect(await loop.run()).toBe('stopped');
    expect(told).toEqual(['step 1', 'saved 1']);
  });

  it('that an earlier life recorded is not done again; one that it did not finish is', async () => {
    const from = { step: 2, adapter: Float32Array.of(33), m: new Float32Array(1), v: new Float32Array(1) };
    const life = async (done: boolean) => {
      const given = { evalSteps: 2, earlier: done ? [recorded(2, 0.5)] : [], from };
      const { loop, told } = loopOf({ maxSteps: 3, evaluation }, 0, undefined, given);
      await loop.run();
      return told.filter((line) => line !== 'saved 2');
    };
    const rest = ['step 3', 'saved 3', 'evaluated 3'];
    expect(await life(true)).toEqual(rest);
    expect(await life(false)).toEqual(['evaluated 2', ...rest]);
  });

  it('belongs to its step when steps are made one by one', async () => {
    const { loop, told } = loopOf({ maxSteps: 2, evaluation }, 0, undefined, { evalSteps: 1 });
    expect(await loop.stepOnce()).toBe('paused');
    expect(told).toEqual(['step 1', 'saved 1', 'evaluated 1']);
  });
});

describe('the best checkpoint', () => {
  const figures = (values: readonly number[]) => (step: number) => ({
    metrics: { eval_accuracy: values[step - 1] ?? 0, eval_answers: 4, eval_runtime: 1 },
  });
  /** The adapter of a scripted trainer is one number that follows from its steps. */
  const adapterAt = async (step: number) => {
    const trainer = scriptedTrainer({});
    while (trainer.step < step) await trainer.runStep({});
    return (await trainer.checkpoint()).adapter[0] ?? 0;
  };

  it('is kept beside the last, with the adapter as it was then', async () => {
    const evaluation = figures([0.25, 0.75, 0.75, 0.5]);
    const { loop, kept } = loopOf({ maxSteps: 4, evaluation }, 0, undefined, { evalSteps: 1 });
    expect(await loop.run()).toBe('finished');
    const [first, second] = [await adapterAt(1), await adapterAt(2)];
    // Before and after the evaluation of each step that is the best; the third is no better than the second.
    const best = [2, 0.75, second];
    expect(kept).toEqual([null, [1, 0.25, first], [1, 0.25, first], best, best, best]);
  });

  it('is saved where an earlier life recorded the evaluation and ended before it saved', async () => {
    const from = { step: 2, adapter: Float32Array.of(33), m: new Float32Array(1), v: new Float32Array(1) };
    const earlier = [recorded(1, 0.25), recorded(2, 0.5)];
    const best = { step: 1, metric: 'accuracy', value: 0.25, adapter: Float32Array.of(1) } as const;
    const given = { evalSteps: 1, earlier, best, from };
    const { loop, kept } = loopOf({ maxSteps: 3, evaluation: figures([0, 0, 0.1]) }, 0, undefined, given);
    await loop.run();
    expect(kept[0]).toEqual([2, 0.5, 33]);
    expect(kept.at(-1)).toEqual([2, 0.5, 33]);
  });

  it('ends the run early when patience runs out, and says why', async () => {
    const evaluation = figures([0.25, 0.75, 0.5, 0.75, 0.9]);
    const given = { evalSteps: 1, earlyStoppingPatience: 2 };
    const { loop, told } = loopOf({ maxSteps: 9, evaluation }, 0, undefined, given);
    expect(await loop.run()).toBe('finished');
    expect(told.at(-1)).toBe('evaluated 4');
    expect(loop.status).toMatchObject({ state: 'finished', step: 4, reason: { code: 'train/early-stop' } });
    expect(loop.status.reason?.message).toMatch(/step 4 of 9: 2 evaluations .* accuracy 75\.0 % at step 2/);
  });

  it('ends a resumed run at once whose patience had run out', async () => {
    const from = { step: 3, adapter: Float32Array.of(33), m: new Float32Array(1), v: new Float32Array(1) };
    const earlier = [recorded(1, 0.5), recorded(3, 0.25)];
    const best = { step: 1, metric: 'accuracy', value: 0.5, adapter: Float32Array.of(1) } as const;
    const given = { evalSteps: 1, earlyStoppingPatience: 1, earlier, best, from };
    const { loop, told } = loopOf({ maxSteps: 9, evaluation: figures([]) }, 0, undefined, given);
    expect(await loop.run()).toBe('finished');
    expect(told.filter((line) => line.startsWith('step'))).toEqual([]);
    expect(loop.status.reason?.code).toBe('train/early-stop');
  });

  it('of a run that came to its last step is no early end', async () => {
    const given = { evalSteps: 1, earlyStoppingPatience: 1 };
    const { loop } = loopOf({ maxSteps: 2, evaluation: figures([0.5, 0.25]) }, 0, undefined, given);
    expect(await loop.run()).toBe('finished');
    expect(loop.status.reason).toBeNull();
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
