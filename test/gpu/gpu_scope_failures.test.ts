// Every function that allocates, with each of its allocations failing in turn on a real device: nothing is left.

import { beforeAll, describe, expect, it } from 'vitest';
import { ReadbackRing } from '../../src/gpu/readback_ring';
import { unsharedCache } from '../../src/kernels/cache_shape';
import { Reasoner } from '../../src/lookback/reasoner';
import { createTrainer, type TrainingRequest } from '../../src/lookback/training';
import { ImageEncoder } from '../../src/model/image_encoder';
import { KvCache } from '../../src/model/kv_cache';
import { LoraAdapter } from '../../src/model/lora';
import { buildVisionProgram } from '../../src/model/prompt_program';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { linear } from '../../src/tensor/ops/linear';
import { Program, runOnce } from '../../src/tensor/program';
import { Trace } from '../../src/tensor/trace';
import { denseWeight } from '../../src/tensor/weight';
import { LoraPolicy } from '../../src/train/policy';
import { createOptimizerState } from '../../src/train/train_program';
import { FAILURE, type FailingGpu, failingGpu } from '../harness/failing_gpu';
import { testGpu } from '../harness/gpu';
import { fixtureModel } from '../harness/model_fixture';
import { hasModel, pocketFiles } from '../harness/pocket';
import { TINY_REQUEST, tinyBase, tinyRows } from '../lookback/tiny_trainer';
import { GROUPS, meanLoss, PROMPTS, TINY_LORA, tinyRollout, tinyWeights } from '../train/tiny_run';

let failing: FailingGpu;
let model: VisionLanguageModel;
const files = fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']);

beforeAll(async () => {
  failing = failingGpu(await testGpu());
  model = await VisionLanguageModel.load(failing.gpu, files);
});

type Making = () => Promise<{ destroy(): void }> | { destroy(): void };

/**
 * Makes it once whole, then with each allocation failing in turn; every `stride`-th where there are very many.
 * With `checks` kernels are checked anew each time, so that what the checks allocate fails too.
 */
async function expectNothingLeft(make: Making, { stride = 1, checks = false } = {}): Promise<void> {
  const { gpu } = failing;
  const attempt = async (n?: number): Promise<void> => {
    if (checks) gpu.verified.clear();
    failing.failAt(n);
    (await make()).destroy();
  };
  await attempt();
  const [live, bytes] = [failing.live(), gpu.counters.bufferBytes];
  await attempt();
  const count = failing.failAt();
  expect(count).toBeGreaterThan(0);
  const left = (n: number) => ({ n, live: failing.live(), bytes: gpu.counters.bufferBytes });
  expect(left(0)).toEqual({ n: 0, live, bytes });
  for (let n = 1; n <= count; n += stride) {
    await expect(attempt(n), `allocation ${n} of ${count}`).rejects.toThrow(FAILURE);
    failing.failAt();
    expect(left(n)).toEqual({ n, live, bytes });
  }
}

const lora = (trainable: boolean) =>
  LoraAdapter.create(failing.gpu, TINY_LORA, model.config, tinyWeights(model, 1), trainable, 0.1);

/** A policy on pictures of its own, freed together. */
async function policy() {
  const images = new ImageEncoder(model.device);
  const options = { gradientCheckpointing: false, maxGradNorm: 1, temperature: 1 };
  const weights = tinyWeights(model, 1);
  const made = await LoraPolicy.create(model.device, images, TINY_LORA, weights, options);
  return {
    made,
    destroy: () => {
      made.destroy();
      images.destroy();
    },
  };
}

/** Does something with what was made; frees it whether that fails or not. */
async function using<T extends { destroy(): void }>(made: T, use: (made: T) => Promise<unknown>) {
  try {
    await use(made);
    return made;
  } catch (error) {
    made.destroy();
    throw error;
  }
}

describe('a failed allocation leaves nothing', () => {
  it('of a ring, a cache or an adapter', async () => {
    await expectNothingLeft(() => new ReadbackRing(failing.gpu, 64, 3, 'ring'));
    await expectNothingLeft(() => new KvCache(failing.gpu, model.config.text, unsharedCache(2, 8, 'f16')));
    await expectNothingLeft(() => lora(true));
  });

  it('of a program, and of one that runs once', async () => {
    const { gpu } = failing;
    const trace = (t: Trace): void => {
      const x = t.input('x', [3, 8]);
      const [w, v] = [denseWeight(t.input('w', [8, 8])), denseWeight(t.input('v', [4, 8]))];
      t.output('y', linear(t, linear(t, x, w), v));
    };
    await expectNothingLeft(() => Program.compile(gpu, 'two layers', trace), { checks: true });
    await expectNothingLeft(async () => {
      const fresh = new Trace(gpu.traits);
      trace(fresh);
      const inputs = { x: new Float32Array(24), w: new Float32Array(64), v: new Float32Array(32) };
      await runOnce(gpu, fresh, inputs);
      return { destroy: () => undefined };
    });
  });

  it('of a model', async () => {
    await expectNothingLeft(() => VisionLanguageModel.load(failing.gpu, files));
  });

  it('of the vision tower and the features of pictures', async () => {
    await expectNothingLeft(() => buildVisionProgram(model.device, 24), { stride: 3 });
    const images = PROMPTS.flatMap((prompt) => prompt.images);
    await expectNothingLeft(() => using(new ImageEncoder(model.device), (made) => made.encode(images)), {
      stride: 7,
    });
  });

  it('of a session, its prompts and its pictures', async () => {
    const options = { batch: 2, capacity: 64, capture: { mapLayers: 'all' as const }, maxImageTokens: 16 };
    await expectNothingLeft(() => model.createSession(options), { stride: 3 });
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 };
    const settings = { ...sampling, maxNewTokens: 2 };
    const prompts = PROMPTS.slice(0, 2);
    await expectNothingLeft(
      async () => {
        const session = await model.createSession(options);
        return using(session, () => session.prefill(prompts, [settings, settings]));
      },
      { stride: 31 },
    );
  });

  it('of a policy, its programs of batches and its optimizer', async () => {
    const adapter = lora(true);
    await expectNothingLeft(() => createOptimizerState(failing.gpu, adapter));
    adapter.destroy();
    await expectNothingLeft(policy);
    await expectNothingLeft(
      async () => {
        const whole = await policy();
        return using(whole, async ({ made }) => {
          const [batch] = made.microBatches(GROUPS.slice(0, 2), 1000);
          await made.accumulate(batch!, meanLoss(batch!, 4), 1);
        });
      },
      { stride: 31 },
    );
  });

  it('of a rollout', async () => {
    const settings = { temperature: 1, topP: 1, maxCompletionLength: 2, capture: true, seed: 1, step: 0 };
    const prompts = PROMPTS.slice(0, 2).map((prompt) => ({ prompt, imageTokens: 2 }));
    await expectNothingLeft(
      async () => {
        const images = new ImageEncoder(model.device);
        const rollout = tinyRollout(model, images, null);
        const both = {
          destroy: () => {
            rollout.destroy();
            images.destroy();
          },
        };
        return using(both, () => rollout.sample(prompts, 2, settings));
      },
      { stride: 31 },
    );
  });

  it('of a trainer with a KL term, and of its first step', async () => {
    const request: TrainingRequest = {
      ...{ ...TINY_REQUEST, method: 'grpo', source: tinyRows(4, 4) },
      grpo: { ...TINY_REQUEST.grpo, beta: 0.1, maxCompletionLength: 2 },
    };
    await expectNothingLeft(() => createTrainer(tinyBase(model), request), { stride: 7 });
    await expectNothingLeft(
      async () => using(await createTrainer(tinyBase(model), request), (trainer) => trainer.runStep({})),
      { stride: 149 },
    );
  });

  it('of a reasoner: its weights, and what comes after them', async (context) => {
    if (!(await hasModel('pocket'))) context.skip('this model is not in the repository');
    const pocket = pocketFiles('pocket');
    await expectNothingLeft(() => Reasoner.load(failing.gpu, pocket));
    const { live } = failing;
    const before = live();
    // A tokenizer that cannot be read is found after the weights are on the device.
    const open = async (file: string) => (file === 'tokenizer.json' ? null : pocket.open(file));
    await expect(Reasoner.load(failing.gpu, { ...pocket, open })).rejects.toThrow(/tokenizer\.json/);
    expect(live()).toBe(before);
  });

  it('of pipelines that do not compile', async () => {
    const count = 4;
    for (let n = 1; n <= count; n++) {
      const cold = failingGpu(await testGpu());
      const own = await VisionLanguageModel.load(cold.gpu, files);
      const [live, { bufferBytes }] = [cold.live(), cold.gpu.counters];
      // Two objects for each layout, then a module and a pipeline for each kernel.
      cold.failAt(7 * n);
      await expect(own.createSession({ batch: 1, capacity: 16 })).rejects.toThrow();
      expect({ n, live: cold.live(), bytes: cold.gpu.counters.bufferBytes }).toEqual({
        ...{ n, live, bytes: bufferBytes },
      });
      cold.failAt();
      // A failure of the moment is not remembered.
      (await own.createSession({ batch: 1, capacity: 16 })).destroy();
      own.destroy();
      expect(cold.live()).toBe(0);
    }
  });
});
