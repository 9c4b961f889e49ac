// The planned memory of a run, part by part, against the buffers that a real trainer and a real session have on a real
// device at their peaks.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { greedy } from '../../src/lookback/reasoner';
import { createTrainer } from '../../src/lookback/training';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { longPrompt } from '../../src/services/library/model_memory';
import { programsOf } from '../../src/tensor/arena_pool';
import { planRun, type RunSize, requestOf, sorted } from '../../tools/memory_plan';
import { type FailingGpu, failingGpu } from '../harness/failing_gpu';
import { testGpu } from '../harness/gpu';
import { fixtureModel } from '../harness/model_fixture';
import { tinyBase, tinyRows } from '../lookback/tiny_trainer';

const TINY = fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']);
/** Everything stays below one unit of padding, so that shorter answers need no further program. */
const SIZE: RunSize = {
  ...{ method: 'grpo', precision: 'int4', prompt: 20, imageTokens: 6, completion: 8 },
  ...{ group: 2, batch: 1, rank: 2 },
};
let device: FailingGpu;
beforeAll(async () => {
  device = failingGpu(await testGpu());
});
afterAll(() => device.gpu.fence());

it.each(['grpo', 'sft'] as const)('has every buffer of a step of %s under its part', async (method) => {
  device.peak();
  const model = await VisionLanguageModel.load(device.gpu, TINY, { precision: SIZE.precision });
  const size = { ...SIZE, method };
  const picture = { maxImageTokens: SIZE.imageTokens, context: SIZE.prompt + SIZE.completion };
  const prompt = longPrompt(model.config, picture, SIZE.prompt - SIZE.imageTokens);
  expect(prompt.inputIds).toHaveLength(SIZE.prompt);
  const base = {
    ...tinyBase(model),
    prepare: () => ({
      prompt: { ...prompt, images: [{ ...prompt.images[0]! }] },
      imageTokens: SIZE.imageTokens,
    }),
  };
  const lengths = Array<number>(8).fill(SIZE.completion);
  const trainer = await createTrainer(base, { ...requestOf(size), source: tinyRows(...lengths) });
  await trainer.runStep({});
  await trainer.checkpoint();
  const real = sorted(device.peak());
  const { programs, ...planned } = await planRun(device.gpu.traits, model.config, size);
  expect(planned).toEqual(real);
  expect(programs).toEqual([...programsOf(device.gpu)].sort((a, b) => b.bytes - a.bytes));
  expect(real.parts.map(({ part }) => part)).toContain('gradients and moments');
  trainer.destroy();
  model.destroy();
});

it('has every buffer of an answer under its part', async () => {
  device.peak();
  const size: RunSize = { ...SIZE, method: 'ask' };
  const context = size.prompt + size.completion;
  const model = await VisionLanguageModel.load(device.gpu, TINY, { precision: SIZE.precision });
  const session = await model.createSession({
    ...{ batch: 1, capacity: context, maxImageTokens: size.imageTokens, capture: { mapLayers: 'all' } },
  });
  const prompt = longPrompt(model.config, { maxImageTokens: size.imageTokens, context });
  await session.prefill([prompt], [greedy(1)]);
  expect(await planRun(device.gpu.traits, model.config, size)).toMatchObject(sorted(device.peak()));
  session.destroy();
  model.destroy();
});

it('refuses a picture that leaves no room for a word', async () => {
  const { config } = await VisionLanguageModel.load(device.gpu, TINY).then((model) => {
    model.destroy();
    return model;
  });
  const size = { ...SIZE, imageTokens: SIZE.prompt };
  await expect(planRun(device.gpu.traits, config, size)).rejects.toMatchObject({ message: /no room for 20/ });
});
