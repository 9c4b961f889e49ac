// Supervised fine-tuning on the tiny model: the loss that is reported, what is held out, evaluations, and resuming.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import {
  type CommonSettings,
  DEFAULT_TRAIN_CONFIG,
  type SftSettings,
} from '../../src/settings/train_settings';
import { SftTrainer } from '../../src/train/sft_trainer';
import type { LabelledExample, StepOutcome, TrainerCheckpoint } from '../../src/train/trainer';
import { testGpu } from '../harness/gpu';
import { maxDifference } from '../harness/model_fixture';
import { EOS, loadTiny, OPTIM, PROMPTS, signalAt, tinyPolicy, tinyRollout } from './tiny_run';

/** Six examples of uneven lengths; the key is the position. */
const EXAMPLES: readonly LabelledExample[] = Array.from({ length: 6 }, (_, key) => {
  const prompt = PROMPTS[key % 3]!;
  const completion = [...Array.from({ length: 2 + ((3 * key) % 7) }, (_, at) => 70 + 8 * key + at), EOS];
  const imageTokens = prompt.inputIds.filter((id) => id === 151).length;
  return {
    key,
    prompt,
    imageTokens,
    question: `question ${key}`,
    expected: `${key}`,
    kind: 'row',
    completion,
  };
});

const COMMON: CommonSettings = {
  ...DEFAULT_TRAIN_CONFIG,
  optim: OPTIM,
  maxSteps: 6,
  seed: 5,
  tokensPerMicroBatch: 1000,
};
const SETTINGS: SftSettings = {
  batchSize: 2,
  numTrainEpochs: 0,
  maxLength: 100,
  evalSteps: 0,
  evalSize: 2,
  evalSamples: 0,
  maxCompletionLength: 3,
};

let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await loadTiny();
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

/** A trainer on a policy of its own, with the keys that it read. */
async function trainerOf(
  common: Partial<CommonSettings> = {},
  settings: Partial<SftSettings> = {},
  start: TrainerCheckpoint | null = null,
) {
  const own = await tinyPolicy(model, { maxGradNorm: 1, scaleB: 0 });
  if (start) own.policy.restore(start);
  const rollout = own.memory.own(tinyRollout(model, own.images, own.policy.adapter));
  const read: number[] = [];
  const examples = {
    count: EXAMPLES.length,
    read: async (position: number) => {
      read.push(position);
      return EXAMPLES[position]!;
    },
  };
  const parts = { memory: own.memory, policy: own.policy, rollout, examples };
  const trainer = new SftTrainer(parts, { ...COMMON, ...common }, { ...SETTINGS, ...settings }, start);
  return { trainer, read, policy: own.policy, destroy: () => trainer.destroy() };
}

/** Metrics without what no two runs share. */
function metricsOf({ metrics: { step_time, ...rest } }: StepOutcome): Record<string, number> {
  expect(step_time).toBeGreaterThan(0);
  return rest;
}

describe('a step', () => {
  it('reports the mean over all response tokens, however it is cut', async () => {
    const outcomes = [];
    for (const tokensPerMicroBatch of [1000, 25, 1]) {
      const { trainer, policy, read, destroy } = await trainerOf({ tokensPerMicroBatch }, { batchSize: 4 });
      // The base's own scores, as a fresh adapter has no effect.
      const probe = await trainerOf();
      const outcome = metricsOf(await trainer.runStep({}));
      const groups = read
        .map((key) => EXAMPLES[key]!)
        .map(({ prompt, completion }) => ({ prompt, completions: [completion] }));
      const [whole] = policy.microBatches(groups, 1e6);
      const { logp, argmax } = await probe.policy.score(whole!);
      const labels = groups.flatMap(({ completions }) => completions.flat());
      expect(outcome.step_tokens).toBe(labels.length);
      // Sums of some thirty log-probabilities of about 5, in f32.
      expect(outcome.loss).toBeCloseTo(-logp.reduce((sum, value) => sum + value, 0) / labels.length, 4);
      const right = labels.filter((label, index) => argmax[index] === label).length;
      expect(outcome.mean_token_accuracy).toBeCloseTo(right / labels.length, 10);
      outcomes.push(outcome);
      destroy();
      probe.destroy();
    }
    for (const { loss, grad_norm } of outcomes) {
      expect(loss).toBeCloseTo(outcomes[0]!.loss!, 4);
      // The gradient is the same sum too, in another order.
      expect(grad_norm! / outcomes[0]!.grad_norm!).toBeCloseTo(1, 4);
    }
  });

  it('is one of as many as the epochs take, when they are given', async () => {
    // Two examples of each set are held out.
    const rest = EXAMPLES.length - 2;
    for (const [numTrainEpochs, batchSize] of [
      [1, 2],
      [2.5, 3],
    ] as const) {
      const { trainer, destroy } = await trainerOf({}, { numTrainEpochs, batchSize, evalSteps: 1 });
      expect(trainer.maxSteps).toBe(Math.ceil((numTrainEpochs * rest) / batchSize));
      destroy();
    }
  });

  it('that is aborted has not happened', async () => {
    const { trainer, destroy } = await trainerOf({ tokensPerMicroBatch: 1 });
    const plain = await trainerOf({ tokensPerMicroBatch: 1 });
    const reason = new Error('enough');
    await expect(trainer.runStep({ signal: signalAt(2, reason) })).rejects.toBe(reason);
    expect(trainer.step).toBe(0);
    const [outcome, wanted] = [await trainer.runStep({}), await plain.trainer.runStep({})];
    expect(metricsOf(outcome)).toEqual(metricsOf(wanted));
    const [found, good] = [await trainer.checkpoint(), await plain.trainer.checkpoint()];
    expect(maxDifference(found.adapter, good.adapter)).toBe(0);
    destroy();
    plain.destroy();
  });
});

describe('a run', () => {
  it('learns, evaluates when due, and never trains on what it holds out', async () => {
    const { trainer, read, destroy } = await trainerOf({ maxSteps: 11 }, { evalSteps: 4, evalSamples: 1 });
    const outcomes: StepOutcome[] = [];
    const trained = new Set<number>();
    const held = new Set<number>();
    while (trainer.step < trainer.maxSteps) {
      read.length = 0;
      outcomes.push(await trainer.runStep({}));
      for (const key of read.slice(0, 2)) trained.add(key);
      for (const key of read.slice(2)) held.add(key);
    }
    expect([...trained].sort()).toHaveLength(4);
    expect([...held].sort()).toHaveLength(2);
    expect([...trained, ...held].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(outcomes.at(-1)!.metrics.loss).toBeLessThan(0.8 * outcomes[0]!.metrics.loss!);
    const due = outcomes.filter(({ metrics }) => 'eval_loss' in metrics).map(({ step }) => step);
    expect(due).toEqual([4, 8, 11]);
    for (const { step, samples, metrics } of outcomes) {
      expect(samples?.length).toBe(due.includes(step) ? 1 : undefined);
      expect('eval_mean_token_accuracy' in metrics).toBe(due.includes(step));
      expect(metrics.epoch).toBeCloseTo(step / 2, 10);
    }
    const [sample] = outcomes[3]!.samples!;
    expect(held.has(sample!.key)).toBe(true);
    expect(sample).toMatchObject({ question: `question ${sample!.key}`, expected: `${sample!.key}` });
    expect(sample!.text.trim().split(' ').length).toBeLessThanOrEqual(3);
    destroy();
  });

  it('resumed at step 3 of 6 goes on bit for bit', async () => {
    const settings = { evalSteps: 2, evalSamples: 1 };
    const unbroken = await trainerOf({ tokensPerMicroBatch: 20 }, settings);
    const outcomes: StepOutcome[] = [];
    let saved: TrainerCheckpoint | null = null;
    while (unbroken.trainer.step < 6) {
      outcomes.push(await unbroken.trainer.runStep({}));
      if (unbroken.trainer.step === 3) saved = await unbroken.trainer.checkpoint();
    }
    const resumed = await trainerOf({ tokensPerMicroBatch: 20 }, settings, saved);
    for (const wanted of outcomes.slice(3)) {
      const outcome = await resumed.trainer.runStep({});
      expect(metricsOf(outcome)).toEqual(metricsOf(wanted));
      expect(outcome.samples).toEqual(wanted.samples);
    }
    const [found, wanted] = [await resumed.trainer.checkpoint(), await unbroken.trainer.checkpoint()];
    expect(found.step).toBe(6);
    for (const part of ['adapter', 'm', 'v'] as const)
      expect(maxDifference(found[part], wanted[part])).toBe(0);
    unbroken.destroy();
    resumed.destroy();
  });

  it('leaves an evaluation out that is aborted, and keeps the step', async () => {
    const { trainer, destroy } = await trainerOf({}, { evalSteps: 1, evalSamples: 1 });
    const stop = new AbortController();
    const onPhase = (phase: string): void => {
      if (phase === 'evaluating') stop.abort(new Error('enough'));
    };
    const outcome = await trainer.runStep({ signal: stop.signal, onPhase });
    expect(outcome).toMatchObject({ step: 1, finite: true });
    expect(outcome.samples).toBeUndefined();
    expect(outcome.metrics.eval_loss).toBeUndefined();
    destroy();
  });

  it('samples what fits where the longest answer does not', async () => {
    const { maxPositionEmbeddings } = model.config.text;
    const longest = { evalSteps: 1, evalSamples: 1, maxCompletionLength: maxPositionEmbeddings };
    const { trainer, destroy } = await trainerOf({}, longest);
    const stop = new AbortController();
    const phases: string[] = [];
    const turn = async (): Promise<void> => {
      // The answer itself may be long; that it begins is enough.
      if (phases.at(-1) === 'sampling') stop.abort(new Error('enough'));
    };
    const onPhase = (phase: string): void => {
      phases.push(phase);
    };
    await trainer.runStep({ signal: stop.signal, onPhase, turn });
    expect(stop.signal.aborted).toBe(true);
    destroy();
  });

  it.each([
    [{ evalSteps: 1, evalSize: 6 }, /sft\.evalSize holds 6 out/],
    [{ evalSteps: 1, evalSize: 9 }, /none is left/],
  ])('is refused with %o', async (settings, message) => {
    const own = await tinyPolicy(model);
    const rollout = tinyRollout(model, own.images, own.policy.adapter);
    const examples = { count: 6, read: async (position: number) => EXAMPLES[position]! };
    const parts = { memory: own.memory, policy: own.policy, rollout, examples };
    const make = () => new SftTrainer(parts, COMMON, { ...SETTINGS, ...settings }, null);
    expect(make).toThrow(
      expect.objectContaining({ code: 'usage/argument', message: expect.stringMatching(message) }),
    );
    const endless = { ...parts, examples: { ...examples, count: Number.POSITIVE_INFINITY } };
    expect(() => new SftTrainer(endless, COMMON, SETTINGS, null)).toThrow(/finite set/);
    own.destroy();
  });
});
