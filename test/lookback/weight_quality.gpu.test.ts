// What quantised weights change in a model's next tokens.

import { describe, expect, it } from 'vitest';
import { answerLogits, logitDistance, pooledDistance } from '../../src/lookback/weight_quality';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { testGpu } from '../harness/gpu';
import { fixtureImages, fixtureModel, loadGoldens, maxDifference } from '../harness/model_fixture';

const FOLDER = 'tiny-qwen2_5_vl';

describe('logitDistance', () => {
  it('is zero between equal logits, and any constant added to them', () => {
    const a = Float32Array.of(1, 2, 3, 0, 5, 1);
    const shifted = a.map((value) => value + 4);
    const { tokens, kl, agreement } = logitDistance(a, shifted, 3);
    expect([tokens, agreement]).toEqual([2, 1]);
    expect(Math.abs(kl)).toBeLessThan(1e-12);
  });

  it('is the divergence of the distributions', () => {
    // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): KL = ½ ln 2 - ¼ ln 2.
    const p = Float32Array.from([0.5, 0.25, 0.25], Math.log);
    const q = Float32Array.from([0.25, 0.5, 0.25], Math.log);
    const found = logitDistance(Float32Array.of(...p, ...p), Float32Array.of(...q, ...p), 3);
    expect(found.largestKl).toBeCloseTo(0.25 * Math.LN2, 6);
    expect(found.kl).toBeCloseTo(0.125 * Math.LN2, 6);
    expect(found.agreement).toBe(0.5);
  });
});

describe('pooledDistance', () => {
  it('weighs each answer by its tokens and keeps the largest divergence', () => {
    const pooled = pooledDistance([
      { tokens: 1, kl: 4, largestKl: 4, agreement: 0 },
      { tokens: 3, kl: 0, largestKl: 0, agreement: 1 },
    ]);
    expect(pooled).toEqual({ tokens: 4, kl: 1, largestKl: 4, agreement: 0.75 });
  });
});

describe('answerLogits', () => {
  it('gives the golden logits of the last rows, and those of quantised weights near them', async () => {
    const gpu = await testGpu();
    const goldens = await loadGoldens(`${FOLDER}/io.safetensors`);
    const ids = [...(await goldens.integers('input_ids'))];
    const images = await fixtureImages(goldens);
    const golden = await goldens.floats('logits');
    const rows = [...(await goldens.integers('rows'))];
    const [vocab, count] = [160, 4];
    expect(rows.slice(-count)).toEqual(ids.map((_, i) => i).slice(-count));
    // The last ids of the prompt as the answer to the ids before: their rows predict, the golden row of the last is unused.
    const prompt = { inputIds: ids.slice(0, 1 - count), images };
    const answer = [...ids.slice(1 - count), 0];
    const found: Float32Array[] = [];
    for (const precision of ['stored', 'int8', 'int4'] as const) {
      const model = await VisionLanguageModel.load(
        gpu,
        fixtureModel(FOLDER, ['config.json', 'model.safetensors']),
        { precision },
      );
      found.push(await answerLogits(model, prompt, answer));
      model.destroy();
    }
    const [stored, int8, int4] = found as [Float32Array, Float32Array, Float32Array];
    // The manifest's tolerance for an f32 engine.
    expect(maxDifference(stored, golden.slice(-count * vocab))).toBeLessThan(5e-4);
    const [near, far] = [logitDistance(stored, int8, vocab).kl, logitDistance(stored, int4, vocab).kl];
    expect(near).toBeGreaterThan(0);
    expect(near).toBeLessThan(far);
    // Random weights of a tiny model give almost even distributions; four bits change their logits by a few percent.
    expect(far).toBeLessThan(0.1);
  });
});
