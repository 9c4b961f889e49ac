// The planned memory of training a model of 3 billion parameters on a consumer's GPU: figures that must not grow unnoticed.

import { beforeAll, expect, it } from 'vitest';
import QWEN2_5_VL_3B from '../../configs/models/Qwen2.5-VL-3B-Instruct.json';
import { parseModelConfig } from '../../src/model/config';
import { DESKTOP_TRAITS, planRun, type RunSize } from '../../tools/memory_plan';

beforeAll(() => {
  Object.assign(globalThis, {
    GPUBufferUsage: { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 },
  });
});

/** 8 answers of 400 tokens behind a prompt of 1,300: 4,500 tokens at once, of four such groups. */
const SIZE: RunSize = {
  ...{ method: 'grpo', precision: 'int4', prompt: 1300, imageTokens: 1024, completion: 400 },
  ...{ group: 8, batch: 4, rank: 8 },
};

it('of a GRPO step stays within a consumer GPU', { timeout: 120_000 }, async () => {
  const { parts, programs, bytes } = await planRun(DESKTOP_TRAITS, parseModelConfig(QWEN2_5_VL_3B), SIZE);
  const shared = parts.find(({ part }) => part === 'activations')?.bytes ?? Number.NaN;
  expect(shared).toBeLessThanOrEqual(1.2e9);
  // The update of one group is what needs most, and nothing is there beside it.
  expect(programs[0]).toEqual({ label: 'train grpo 4608', bytes: shared });
  expect(bytes).toBeLessThanOrEqual(5e9);
});
