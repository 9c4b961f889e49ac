// The memory of an answer that is rehearsed against the buffers of a real one, and the verdict on a published model of
// 3.75 billion parameters against limits of which one is the least that WebGPU promises.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import QWEN2_5_VL_3B from '../../../configs/models/Qwen2.5-VL-3B-Instruct.json';
import type { GpuContext } from '../../../src/gpu/device';
import { greedy } from '../../../src/lookback/reasoner';
import { parseModelConfig } from '../../../src/model/config';
import { VisionLanguageModel } from '../../../src/model/vision_language_model';
import { judgeFit } from '../../../src/services/library/model_fit';
import {
  answerMemory,
  cacheBytesPerToken,
  longPrompt,
  parameterCount,
  weightBytes,
} from '../../../src/services/library/model_memory';
import type { FitRequest } from '../../../src/worker/protocol/models';
import { type FailingGpu, failingGpu } from '../../harness/failing_gpu';
import { testGpu } from '../../harness/gpu';
import { fixtureModel } from '../../harness/model_fixture';

const TINY = fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']);
const SPEC_3B = parseModelConfig(QWEN2_5_VL_3B);
const FACTS = { downloadBytes: 7_509_245_952, freeBytes: null };
const REQUEST: FitRequest = {
  ...{ id: 'Qwen/Qwen2.5-VL-3B-Instruct', revision: 'main' },
  ...{ precision: null, maxImageTokens: 1024, context: 2048 },
};
let device: FailingGpu;
beforeAll(async () => {
  device = failingGpu(await testGpu());
});
afterAll(() => device.gpu.fence());

/** The same device with other limits, or with a trial of memory that fails above so many bytes. */
function limited(traits: Partial<GpuContext['traits']>, roomBytes = Number.POSITIVE_INFINITY): GpuContext {
  let held = 0;
  let failed = false;
  const trial = {
    pushErrorScope: () => {
      failed = false;
    },
    popErrorScope: async () => (failed ? { message: 'out of memory' } : null),
    createBuffer: ({ size }: GPUBufferDescriptor) => {
      held += size;
      failed ||= held > roomBytes;
      return {
        destroy: () => {
          held -= size;
        },
      };
    },
  };
  const { gpu } = device;
  const other = { ...gpu.traits, software: false, ...traits };
  return { ...gpu, device: trial as unknown as GPUDevice, traits: other };
}

const ascending = (sizes: readonly number[]): number[] => [...sizes].sort((a, b) => a - b);

describe('answerMemory', () => {
  it.each(['stored', 'int8', 'int4'] as const)(
    'has every buffer of a real answer in %s',
    async (precision) => {
      const size = { precision, maxImageTokens: 20, context: 128 };
      const before = { ...device.gpu.counters };
      device.peak();
      const model = await VisionLanguageModel.load(device.gpu, TINY, { precision });
      const planned = await answerMemory(device.gpu, model.config, size);
      const session = await model.createSession({
        ...{ batch: 1, capacity: 128, maxImageTokens: 20, capture: { mapLayers: 'all' } },
      });
      await session.prefill([longPrompt(model.config, size)], [greedy(1)]);
      expect(ascending(planned.buffers)).toEqual(ascending(device.peak().map(({ bytes }) => bytes)));
      expect(await weightBytes(device.gpu, model.config, precision)).toBe(model.weights.bytes);
      expect(parameterCount(model.config)).toBe(model.parameterCount);
      session.destroy();
      model.destroy();
      expect(device.gpu.counters.bufferBytes).toBe(before.bufferBytes);
    },
  );

  it('knows the published model by its shapes', () => {
    expect(parameterCount(SPEC_3B)).toBe(3_754_622_976);
    // Keys and values: 2 · 36 layers · 2 heads · 128 of 2 bytes, or of 4 beside exact weights, and the class of a key.
    expect(cacheBytesPerToken(device.gpu, SPEC_3B, 'int4')).toBe(36_864 + 4);
    expect(cacheBytesPerToken(device.gpu, SPEC_3B, 'f32')).toBe(73_728 + 4);
  });
});

describe('judgeFit', () => {
  it('says what a model of 3 billion parameters takes, by part and by precision', async () => {
    const fit = await judgeFit(
      limited({ maxBufferBytes: 2 ** 31, maxBindingBytes: 2 ** 31 }),
      SPEC_3B,
      REQUEST,
      FACTS,
    );
    expect(fit).toMatchObject({ ...FACTS, fits: true, limit: null, advice: null, precision: 'int4' });
    expect(fit.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(fit.bytes);
    const [bf16, int8, int4] = fit.weightBytes.map(({ bytes }) => bytes / 2 ** 30);
    // 7.51 GB as stored; 8 and 4 bits with a scale of 2 bytes in 32 are 1.0625 and 0.5625 bytes an element.
    expect(bf16).toBeCloseTo(7.0, 1);
    expect(int8).toBeCloseTo(3.7, 1);
    // 2.77 · 10⁹ elements of the decoder with 4 bits, 0.98 · 10⁹ of vocabulary and vision tower with 8.
    expect(int4).toBeCloseTo((2.7748 * 0.5625 + 0.9799 * 1.0625) / 1.0737, 2);
    expect(fit.parts.find(({ name }) => name === 'weights')?.bytes).toBe(fit.weightBytes[2]?.bytes);
    expect(fit.pixelsPerImage).toBe(1024 * 28 ** 2);
  });

  it('says that it is tight where a quarter more does not fit', async () => {
    const large = { maxBufferBytes: 2 ** 31, maxBindingBytes: 2 ** 31 };
    const { bytes } = await judgeFit(limited(large), SPEC_3B, REQUEST, FACTS);
    const verdict = (room: number) => judgeFit(limited(large, room * bytes), SPEC_3B, REQUEST, FACTS);
    // What is tried is rounded up to whole pieces of 64 MiB, less than 3 % of 2.5 GiB.
    expect(await verdict(1.29)).toMatchObject({ fits: true, tight: false, advice: null });
    expect(await verdict(1.24)).toMatchObject({ fits: true, tight: true, advice: null });
    expect(await verdict(0.99)).toMatchObject({ fits: false, tight: false });
  });

  it('asks a software device for no more than 4 GiB', async () => {
    const software = { maxBufferBytes: 2 ** 31, maxBindingBytes: 2 ** 31, software: true };
    const fit = await judgeFit(limited(software), SPEC_3B, { ...REQUEST, precision: 'bf16' }, FACTS);
    expect(fit.fits).toBe(false);
    expect(fit.limit).toMatch(
      /^It takes 7\.\d GiB; a device without a graphics card, .* 4\.0 GiB at most \(weights /,
    );
    expect(fit.advice).toMatch(/^Set the precision to int4/);
  });

  it('says that the device went away, when it did while it was tried', async () => {
    const gpu = limited({ maxBufferBytes: 2 ** 31, maxBindingBytes: 2 ** 31 });
    const gone = Object.assign(gpu.device, {
      popErrorScope: () => Promise.reject(new DOMException('Instance dropped', 'OperationError')),
    });
    await expect(judgeFit({ ...gpu, device: gone }, SPEC_3B, REQUEST, FACTS)).rejects.toMatchObject({
      code: 'gpu/device-lost',
    });
  });

  it('names the control that makes it fit', async () => {
    const large = { maxBufferBytes: 2 ** 31, maxBindingBytes: 2 ** 31 };
    const whole = await judgeFit(limited(large), SPEC_3B, { ...REQUEST, precision: 'int8' }, FACTS);
    const fit = await judgeFit(
      limited(large, 0.8 * whole.bytes),
      SPEC_3B,
      { ...REQUEST, precision: 'int8' },
      FACTS,
    );
    expect(fit.fits).toBe(false);
    expect(fit.limit).toMatch(
      /^This device did not give .* GiB at once \(weights .* cache .* working memory .*\)/,
    );
    expect(fit.advice).toMatch(/^Set the precision to int4: then it takes .* and fits\.$/);
    const hopeless = await judgeFit(limited(large, 1e6), SPEC_3B, REQUEST, FACTS);
    expect(hopeless.advice).toMatch(/choose a smaller model/);
  });

  it('holds the context to what the model has', async () => {
    const spec = { ...SPEC_3B, text: { ...SPEC_3B.text, maxPositionEmbeddings: 1536 } };
    const fit = await judgeFit(limited({}), spec, { ...REQUEST, maxImageTokens: 256, context: 4096 }, FACTS);
    expect(fit).toMatchObject({ context: 1536, maxContext: 1536 });
  });
});
