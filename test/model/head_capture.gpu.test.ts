// The attention of single layers and heads is what the recorded means were made of, for every token of an answer, whether
// the cache still holds it or not.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PixelArray } from '../../src/data/image/pillow_resize';
import { sharesOf } from '../../src/generation/attention_recorder';
import type { GpuContext } from '../../src/gpu/device';
import { KEY_CLASSES } from '../../src/kernels/sequence_words';
import { greedy, Reasoner } from '../../src/lookback/reasoner';
import { familyCheckpoint, filesIn } from '../harness/family_checkpoint';
import { testGpu } from '../harness/gpu';

/** A prompt pass sums in another order than a decode step: 1e-6 of values below 1, and some layers on top of each other. */
const TOLERANCE = 2e-5;

function picture(width: number, height: number, seed: number): PixelArray {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * seed + (at >> 5)) % 256);
  return { width, height, channels: 3, data };
}

describe.each([
  ['tiny-qwen2_5_vl', 'tokenizer-qwen2'],
  ['tiny-smolvlm', 'tokenizer-smollm2'],
] as const)('heads of %s', (folder, tokenizer) => {
  let gpu: GpuContext;
  let reasoner: Reasoner;
  beforeAll(async () => {
    gpu = await testGpu();
    reasoner = await Reasoner.load(gpu, filesIn(folder, await familyCheckpoint(folder, tokenizer)));
  });
  afterAll(async () => {
    reasoner.destroy();
    await gpu.fence();
  });

  it('have the recorded attention as their mean', async () => {
    const images = [picture(50, 30, 3), picture(24, 40, 7)].map((image) => reasoner.see(image, 16));
    const prepared = reasoner.prepareSeen({ images, text: 'How many?', mode: 'plain' });
    const { answer, events } = await reasoner.start({ prepared, sampling: greedy(3) }, { capture: 'maps' });
    for await (const _ of events);
    expect(answer.attention.length).toBeGreaterThan(1);
    const { numHiddenLayers: layers, numAttentionHeads: heads } = reasoner.model.config.text;

    const compare = async (steps: readonly number[]) => {
      for (const step of steps) {
        const recorded = answer.attention[step]!;
        const { masses, maps } = await reasoner.captureHeads(prepared, answer.ids.slice(0, step + 1));
        expect([masses.length, maps.length]).toEqual([
          layers * heads * KEY_CLASSES,
          layers * heads * prepared.imageTokens,
        ]);
        for (let row = 0; row < layers * heads; row++) {
          const whole = masses.subarray(row * KEY_CLASSES, (row + 1) * KEY_CLASSES);
          expect(whole.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        }
        const ofLayers = Float32Array.from({ length: layers * KEY_CLASSES }, (_, at) => {
          const [layer, kind] = [Math.floor(at / KEY_CLASSES), at % KEY_CLASSES];
          let sum = 0;
          for (let head = 0; head < heads; head++)
            sum += masses[(layer * heads + head) * KEY_CLASSES + kind]!;
          return sum / heads;
        });
        const shares = sharesOf(ofLayers);
        for (const name of ['image', 'query', 'generated'] as const)
          expect(Math.abs(shares[name] - recorded.shares[name])).toBeLessThan(TOLERANCE);
        recorded.map.forEach((mass, token) => {
          let sum = 0;
          for (let row = 0; row < layers * heads; row++) sum += maps[row * prepared.imageTokens + token]!;
          expect(Math.abs(sum / (layers * heads) - mass)).toBeLessThan(TOLERANCE);
        });
      }
    };
    const all = answer.attention.map(({ step }) => step);
    // Backwards, so that each but the first finds more in the cache than it may use.
    await compare(all.toReversed());
    reasoner.closeSession();
    await compare(all);
    // The next question is answered as if nobody had looked.
    const again = await reasoner.start({ prepared, sampling: greedy(3) }, { capture: 'maps' });
    for await (const _ of again.events);
    expect(again.answer.ids).toEqual(answer.ids);
  });

  it('are refused for ids that are none, and end when they are cancelled', async () => {
    const images = [reasoner.see(picture(20, 20, 1), 16)];
    const prepared = reasoner.prepareSeen({ images, text: 'How many?', mode: 'plain' });
    await expect(reasoner.captureHeads(prepared, [])).rejects.toMatchObject({ code: 'usage/argument' });
    const cancelled = AbortSignal.abort(new Error('enough'));
    await expect(reasoner.captureHeads(prepared, [3], cancelled)).rejects.toThrow('enough');
  });
});
