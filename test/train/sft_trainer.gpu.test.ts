// Supervised fine-tuning on the tiny model: the loss that is reported, what is held out, evaluations, and resuming.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import {
  type CommonSettings,
  DEFAULT_TRAIN_CONFIG,
  type SftSettings,
} from '../../src/settings/train_settings';
import type { AnswerFigures } from '../../src/train/held_out_evaluation';
import { type SftParts, SftTrainer } from '../../src/train/sft_trainer';
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
  ...{ evalSteps: 0, evalSize: 2, evalSamples: 0, evalBatchSize: 8 },
};
const SETTINGS: SftSettings = {
  batchSize: 2,
  numTrainEpochs: 0,
  maxLength: 100,
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

/** Counts what there is to judge. */
const figures: AnswerFigures = (answers) => ({ answers: answers.length });

/** A trainer on a policy of its own, with the keys that it read. */
async function trainerOf(
  common: Partial<CommonSettings> = {},
  settings: Partial<SftSettings> = {},
  start: TrainerCheckpoint | null = null,
  heldOut: SftParts['heldOut'] = null,
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
  const parts = { memory: own.memory, policy: own.policy, rollout, examples, heldOut, figures };
  const trainer = new SftTrainer(parts, { ...COMMON, ...common }, { ...SETTINGS, ...settings }, start);
  return { trainer, read, policy: own.policy, destroy: () => trainer.destroy() };
}

/** Metrics without what no two runs share. */
function metricsOf({ metrics }: Pick<StepOutcome, 'metrics'>): Record<string, number> {
  const { step_time, eval_runtime, ...rest } = metrics;
  expect(step_time ?? eval_runtime).toBeGreaterThan(0);
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
      const { trainer, destroy } = await trainerOf({ evalSteps: 1 }, { numTrainEpochs, batchSize });
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
  it('learns, and never trains on what it holds out', async () => {
    const { trainer, read, destroy } = await trainerOf({ maxSteps: 11, evalSteps: 4, evalSamples: 1 });
    const outcomes: StepOutcome[] = [];
    while (trainer.step < trainer.maxSteps) outcomes.push(await trainer.runStep({}));
    const trained = new Set(read.splice(0));
    const { step, metrics, samples } = await trainer.evaluate!({});
    const held = new Set(read);
    expect([trained.size, held.size]).toEqual([4, 2]);
    expect([...trained, ...held].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(outcomes.at(-1)!.metrics.loss).toBeLessThan(0.8 * outcomes[0]!.metrics.loss!);
    for (const outcome of outcomes) expect(outcome.metrics.epoch).toBeCloseTo(outcome.step / 2, 10);
    expect(step).toBe(11);
    expect(metrics).toMatchObject({ eval_answers: 1, eval_loss: expect.any(Number) });
    const [sample] = samples;
    expect(held.has(sample!.key)).toBe(true);
    expect(sample).toMatchObject({ question: `question ${sample!.key}`, expected: `${sample!.key}` });
    expect(sample!.text.trim().split(' ').length).toBeLessThanOrEqual(3);
    destroy();
  });

  it('resumed at step 3 of 6 goes on bit for bit, evaluations included', async () => {
    const common = { tokensPerMicroBatch: 20, evalSteps: 2, evalSamples: 1 };
    const unbroken = await trainerOf(common);
    const outcomes: StepOutcome[] = [];
    let saved: TrainerCheckpoint | null = null;
    while (unbroken.trainer.step < 6) {
      outcomes.push(await unbroken.trainer.runStep({}));
      if (unbroken.trainer.step === 3) saved = await unbroken.trainer.checkpoint();
    }
    const resumed = await trainerOf(common, {}, saved);
    for (const wanted of outcomes.slice(3)) {
      expect(metricsOf(await resumed.trainer.runStep({}))).toEqual(metricsOf(wanted));
    }
    const [one, other] = [await resumed.trainer.evaluate!({}), await unbroken.trainer.evaluate!({})];
    expect(metricsOf(one)).toEqual(metricsOf(other));
    expect(one.samples).toEqual(other.samples);
    const [found, wanted] = [await resumed.trainer.checkpoint(), await unbroken.trainer.checkpoint()];
    expect(found.step).toBe(6);
    for (const part of ['adapter', 'm', 'v'] as const)
      expect(maxDifference(found[part], wanted[part])).toBe(0);
    unbroken.destroy();
    resumed.destroy();
  });

  it('trains the same weights with evaluations as without, also with one cut short', async () => {
    const common = { maxSteps: 2, evalSteps: 1, evalSamples: 2, evalBatchSize: 1 };
    const plain = await trainerOf(common);
    const evaluated = await trainerOf(common);
    const reason = new Error('enough');
    while (plain.trainer.step < 2) {
      await plain.trainer.runStep({});
      await evaluated.trainer.runStep({});
      const { metrics } = await evaluated.trainer.evaluate!({});
      expect(metrics.eval_loss).toBeGreaterThan(0);
      await expect(evaluated.trainer.evaluate!({ signal: signalAt(3, reason) })).rejects.toBe(reason);
    }
    const [found, wanted] = [await evaluated.trainer.checkpoint(), await plain.trainer.checkpoint()];
    for (const part of ['adapter', 'm', 'v'] as const)
      expect(maxDifference(found[part], wanted[part])).toBe(0);
    plain.destroy();
    evaluated.destroy();
  });

  it('scores examples in any number at once alike, and those of another set', async () => {
    const heldOut = {
      count: 3,
      read: async (at: number) => ({ ...EXAMPLES[at]!, ...(at === 2 ? { completion: null } : {}) }),
    };
    const found: Record<string, number>[] = [];
    for (const evalBatchSize of [1, 8]) {
      const { trainer, read, destroy } = await trainerOf(
        { evalSteps: 1, evalSamples: 3, evalBatchSize },
        {},
        null,
        heldOut,
      );
      expect(trainer.split).toMatchObject({ train: 6, heldOut: 0 });
      found.push(metricsOf(await trainer.evaluate!({})));
      expect(read).toEqual([]);
      destroy();
    }
    for (const { eval_loss, eval_answers } of found) {
      expect(eval_answers).toBe(3);
      // The same log-probabilities of some ten tokens, summed in f32 in passes of other sizes.
      expect(eval_loss).toBeCloseTo(found[0]!.eval_loss!, 4);
    }
  });

  it('samples what fits where the longest answer does not', async () => {
    const { maxPositionEmbeddings } = model.config.text;
    const { trainer, destroy } = await trainerOf(
      { evalSteps: 1, evalSamples: 1 },
      { maxCompletionLength: maxPositionEmbeddings },
    );
    const stop = new AbortController();
    const phases: string[] = [];
    const turn = async (): Promise<void> => {
      // The answer itself may be long; that it begins is enough.
      if (phases.at(-1) === 'sampling') stop.abort(new Error('enough'));
    };
    const onPhase = (phase: string): void => {
      phases.push(phase);
    };
    await expect(trainer.evaluate!({ signal: stop.signal, onPhase, turn })).rejects.toThrow('enough');
    expect(stop.signal.aborted).toBe(true);
    destroy();
  });

  it.each([
    [{ evalSteps: 1, evalSize: 6 }, /evalSize holds 6 out/],
    [{ evalSteps: 1, evalSize: 9 }, /none is left/],
  ])('is refused with %o', async (common, message) => {
    const own = await tinyPolicy(model);
    const rollout = tinyRollout(model, own.images, own.policy.adapter);
    const examples = { count: 6, read: async (position: number) => EXAMPLES[position]! };
    const parts = { memory: own.memory, policy: own.policy, rollout, examples, heldOut: null, figures };
    const make = () => new SftTrainer(parts, { ...COMMON, ...common }, SETTINGS, null);
    expect(make).toThrow(
      expect.objectContaining({ code: 'usage/argument', message: expect.stringMatching(message) }),
    );
    const endless = { ...parts, examples: { ...examples, count: Number.POSITIVE_INFINITY } };
    expect(() => new SftTrainer(endless, COMMON, SETTINGS, null)).toThrow(/finite set/);
    own.destroy();
  });
});
