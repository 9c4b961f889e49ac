// What a picture gains a completion, on the tiny model: against scores taken one group at a time, through any cut into
// micro-batches, and untouched by what is trained.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { LoraAdapter } from '../../src/model/lora';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { LoraPolicy } from '../../src/train/policy';
import { VisualGain } from '../../src/train/visual_gain';
import { testGpu } from '../harness/gpu';
import { maxDifference } from '../harness/model_fixture';
import { GROUPS, loadTiny, meanLoss, OPTIM, TINY_LORA, tinyPolicy, tinyWeights } from './tiny_run';

let gpu: GpuContext;
let model: VisionLanguageModel;
let scorer: LoraAdapter;
let own: { policy: LoraPolicy; destroy(): void };
beforeAll(async () => {
  gpu = await testGpu();
  model = await loadTiny();
  scorer = LoraAdapter.create(gpu, TINY_LORA, model.config, tinyWeights(model, 7, 0.1), false);
  own = await tinyPolicy(model);
});
afterAll(async () => {
  own.destroy();
  scorer.destroy();
  model.destroy();
  await gpu.fence();
});

async function logpOf(group: (typeof GROUPS)[number]): Promise<Float32Array> {
  const [micro] = own.policy.microBatches([group], 1e6);
  return (await own.policy.score(micro!, {}, scorer)).logp;
}

/** The gains of a group by their definition, all of its completions in one row. */
async function expectedOf(group: (typeof GROUPS)[number]): Promise<Float32Array> {
  const images = group.prompt.images.map(({ gridThw, pixelValues }) => {
    return { gridThw, pixelValues: pixelValues.map(() => 0) };
  });
  const seen = await logpOf(group);
  const blind = await logpOf({ ...group, prompt: { ...group.prompt, images } });
  return seen.map((value, at) => value - blind[at]!);
}

describe('VisualGain', () => {
  // Log-probabilities of another packing differ by rounding alone; those here are of about 5 nats.
  const TOLERANCE = 1e-4;

  it.each([1e6, 1])('equals the difference of two scores, in micro-batches of %d tokens', async (tokens) => {
    const found = await new VisualGain(scorer, tokens).of(GROUPS, own.policy);
    expect(found).toHaveLength(GROUPS.length);
    let largest = 0;
    for (const [index, group] of GROUPS.entries()) {
      const gains = found[index]!;
      if (group.prompt.images.length === 0) {
        expect(gains).toBe(null);
        continue;
      }
      expect(gains.map(({ length }) => length)).toEqual(group.completions.map(({ length }) => length));
      const all = Float32Array.from(gains.flatMap((part) => [...part]));
      largest = Math.max(largest, ...all.map(Math.abs));
      expect(maxDifference(all, await expectedOf(group))).toBeLessThan(TOLERANCE);
    }
    // The pictures do matter to this model: a gain that is nothing would pass by itself.
    expect(largest).toBeGreaterThan(100 * TOLERANCE);
  });

  it('stays as it was while the policy learns', async () => {
    const gain = new VisualGain(scorer, 1e6);
    const group = GROUPS[1]!;
    const before = await gain.of([group], own.policy);
    const [micro] = own.policy.microBatches([group], 1e6);
    await own.policy.accumulate(micro!, meanLoss(micro!, micro!.packed.rows), 1);
    const { gradNorm } = await own.policy.update(OPTIM, 0.1, 1);
    expect(gradNorm).toBeGreaterThan(0);
    expect(await gain.of([group], own.policy)).toEqual(before);
  });

  it('stops at an abort', async () => {
    const gone = AbortSignal.abort(new Error('no more'));
    await expect(new VisualGain(scorer, 1e6).of(GROUPS, own.policy, { signal: gone })).rejects.toThrow(
      'no more',
    );
  });
});
