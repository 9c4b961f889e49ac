// The planned memory of a run against the buffers that the real trainer has on a real device at its peak, and what makes
// a plan larger or smaller.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrainer, type TrainingRequest } from '../../../src/lookback/training';
import { VisionLanguageModel } from '../../../src/model/vision_language_model';
import { type MemoryPlan, planTrainingMemory } from '../../../src/services/training/training_memory';
import { type FailingGpu, failingGpu } from '../../harness/failing_gpu';
import { testGpu } from '../../harness/gpu';
import { fixtureModel } from '../../harness/model_fixture';
import {
  TINY_IMAGE_TOKENS,
  TINY_PROMPT,
  TINY_REQUEST,
  tinyBase,
  tinyRows,
} from '../../lookback/tiny_trainer';

let device: FailingGpu;
let model: VisionLanguageModel;
/** Sizes of the weights, which are there before a run and stay. */
let weights: number[];

beforeAll(async () => {
  device = failingGpu(await testGpu());
  const files = fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']);
  model = await VisionLanguageModel.load(device.gpu, files);
  weights = device.peak().map(({ bytes }) => bytes);
});
afterAll(async () => {
  model.destroy();
  await device.gpu.fence();
});

const TOKENS = TINY_PROMPT.inputIds.length;
const EXAMPLE = {
  ...{ key: 0, prompt: TINY_PROMPT, imageTokens: TINY_IMAGE_TOKENS },
  ...{ question: '', expected: '', kind: 'row' },
};
const SFT = { ...TINY_REQUEST, source: tinyRows(160, 120, 80) };
/** All sizes stay below one unit of padding, so that shorter answers need no further program: one real step is enough. */
const GRPO: TrainingRequest = { ...TINY_REQUEST, method: 'grpo', source: tinyRows(8, 8), maxSteps: 1 };
const withSft = (change: Partial<TrainingRequest['sft']>) => ({ sft: { ...TINY_REQUEST.sft, ...change } });
const withGrpo = (change: Partial<TrainingRequest['grpo']>) => ({ grpo: { ...GRPO.grpo, ...change } });

/** Plans, which must touch no device. */
async function planned(request: TrainingRequest): Promise<MemoryPlan> {
  const before = { ...device.gpu.counters };
  const plan = await planTrainingMemory(tinyBase(model), request, EXAMPLE);
  expect(device.gpu.counters).toEqual(before);
  return plan;
}

/** Sizes of the buffers of a run at its peak: made, all steps, a checkpoint. */
async function allocated(request: TrainingRequest): Promise<number[]> {
  const live = device.gpu.counters.bufferBytes;
  device.peak();
  const trainer = await createTrainer(tinyBase(model), request);
  while (trainer.step < request.maxSteps) {
    await trainer.runStep({});
    await trainer.evaluate?.({});
  }
  await trainer.checkpoint();
  trainer.destroy();
  expect(device.gpu.counters.bufferBytes).toBe(live);
  return device.peak().map(({ bytes }) => bytes);
}

const ascending = (sizes: readonly number[]): number[] => [...sizes].sort((a, b) => a - b);
const sum = (sizes: readonly number[]): number => sizes.reduce((total, bytes) => total + bytes, 0);
const bytesOf = ({ parts }: MemoryPlan, name: string): number =>
  sum(parts.find((part) => part.name === name)?.buffers ?? []);

describe('planTrainingMemory', () => {
  it.each<[string, TrainingRequest]>([
    ['SFT of three lengths', SFT],
    ['SFT with gradient checkpointing', { ...SFT, gradientCheckpointing: true }],
    [
      'SFT in micro-batches, with dropout and an evaluation after each step',
      {
        ...{ ...TINY_REQUEST, source: tinyRows(...Array<number>(9).fill(4)) },
        ...withSft({ batchSize: 5, maxLength: TOKENS + 4 }),
        ...{ evalSteps: 1, evalSize: 3, evalSamples: 2 },
        lora: { ...TINY_REQUEST.lora, r: 4, loraDropout: 0.1 },
      },
    ],
    ['GRPO', GRPO],
    [
      'GRPO that is evaluated on rows that it holds out',
      {
        ...{ ...GRPO, source: tinyRows(8, 8, 8, 8, 8, 8), evalSteps: 1, evalSize: 0.5, evalBatchSize: 2 },
        // A second step meets the arenas that the first evaluation has left.
        maxSteps: 2,
      },
    ],
    [
      'GRPO with a KL term, of two iterations, with gradient checkpointing',
      { ...GRPO, gradientCheckpointing: true, ...withGrpo({ beta: 0.1, numIterations: 2 }) },
    ],
    [
      'GRPO of larger groups in micro-batches of one',
      {
        ...{ ...GRPO, source: tinyRows(8, 8, 8), tokensPerMicroBatch: 32 },
        ...withGrpo({ promptsPerStep: 3, numGenerations: 6 }),
      },
    ],
  ])('names every buffer of %s', async (_, request) => {
    const plan = await planned(request);
    const real = await allocated(request);
    const own = ascending(real);
    for (const bytes of weights) own.splice(own.indexOf(bytes), 1);
    expect(ascending(plan.parts.flatMap(({ buffers }) => buffers))).toEqual(own);
  });

  it('falls with checkpointing and with the micro-batch, and grows with the group', async () => {
    const batch = { ...SFT, ...withSft({ batchSize: 4 }), tokensPerMicroBatch: 512 };
    const whole = await planned(batch);
    for (const change of [{ gradientCheckpointing: true }, { tokensPerMicroBatch: 128 }])
      expect(bytesOf(await planned({ ...batch, ...change }), 'activations')).toBeLessThan(
        bytesOf(whole, 'activations'),
      );
    const larger = await planned({ ...GRPO, ...withGrpo({ numGenerations: 8 }) });
    expect(bytesOf(larger, 'sampling')).toBeGreaterThan(bytesOf(await planned(GRPO), 'sampling'));
  });

  it('says what the memory is for, and how many parameters are trained', async () => {
    const { parts, trainableParameters } = await planned(GRPO);
    expect(parts.map(({ name }) => name).sort()).toEqual([
      ...['activations', 'adapter and optimizer', 'pictures', 'sampling', 'updates'],
    ]);
    const totals = parts.map(({ buffers }) => sum(buffers));
    expect(totals).toEqual([...totals].sort((a, b) => b - a));
    // Rank 2 on all seven projections of three layers: q 96→192, k and v 96→64, o 192→96, gate and up 96→136, down back.
    const { text } = model.config;
    const [hidden, query, keys] = [96, 6 * text.headDim, 2 * text.headDim];
    const widths = 2 * (hidden + query) + 2 * (hidden + keys) + 3 * (hidden + 136);
    expect(trainableParameters).toBe(3 * 2 * widths);
  });

  it('samples a cold start first where the examples come from the world', async () => {
    const source: TrainingRequest['source'] = {
      ...{
        kind: 'shapes_world',
        pictures: 'both',
        questions: 'all',
        looks: 'one',
        chains: 'own',
        textShare: 0,
        scenes: 4,
        rolloutsPerScene: 32,
        reflectionRate: 0.5,
      },
    };
    const world = { ...TINY_REQUEST, ...withSft({ maxLength: 32, maxCompletionLength: 64 }), source };
    // The cache of 128 sequences takes more than the training that follows, which samples nothing.
    const { numHiddenLayers, numKeyValueHeads, headDim } = model.config.text;
    const keysAndValues = 2 * numHiddenLayers * numKeyValueHeads * headDim * 4;
    expect(bytesOf(await planned(world), 'sampling')).toBeGreaterThan(128 * 64 * keysAndValues);
    expect(bytesOf(await planned({ ...world, source: tinyRows(4, 4) }), 'sampling')).toBe(0);
  });

  it('refuses what no buffer holds, and what the run itself would refuse', async () => {
    const huge = { ...GRPO, ...withGrpo({ numGenerations: 256, maxCompletionLength: 100_000 }) };
    await expect(planned(huge)).rejects.toMatchObject({ code: 'gpu/limit' });
    await expect(planned({ ...GRPO, ...withGrpo({ maxCompletionLength: 512 }) })).rejects.toThrow(
      /the model has 512: lower maxCompletionLength/,
    );
  });
});
