// The definition of shares and maps, against the authors' formula written out directly, and their alignment with tokens.
import { describe, expect, it } from 'vitest';
import { AttentionRecorder, meanMap, sharesOf } from '../../src/generation/attention_recorder';
import { createPrng } from '../../src/lib/prng';

describe('sharesOf', () => {
  it('divides by what lies from the image on, per layer, before the mean', () => {
    // Two layers with very different sinks: a ratio of means would give another result than a mean of ratios.
    const masses = Float32Array.of(0.9, 0.05, 0.01, 0.02, 0.02, 0, 0.1, 0.1, 0.3, 0.5);
    const shares = sharesOf(masses);
    expect(shares.image).toBeCloseTo((0.05 / 0.1 + 0.1 / 1) / 2, 6);
    expect(shares.query).toBeCloseTo((0.02 / 0.1 + 0.3 / 1) / 2, 6);
    expect(shares.generated).toBeCloseTo((0.02 / 0.1 + 0.5 / 1) / 2, 6);
    const meanOfMasses = 0.075 / (0.55 + 0);
    expect(Math.abs(shares.image - meanOfMasses)).toBeGreaterThan(0.1);
  });

  it('agrees with the formula on a whole attention tensor', () => {
    // a: [layers, heads, keys] rows; IMG = [p, p + N), TXT = [p + N + 1, g0), GEN = [g0, keys).
    const [layers, heads, keys, p, n, g0] = [3, 4, 23, 2, 7, 15];
    const prng = createPrng(5);
    const rows = Array.from({ length: layers }, () =>
      Array.from({ length: heads }, () => {
        const row = Array.from({ length: keys }, () => prng.nextFloat() ** 3);
        const sum = row.reduce((a, b) => a + b, 0);
        return row.map((value) => value / sum);
      }),
    );
    const masses: number[] = [];
    const truth = { image: 0, query: 0, generated: 0 };
    for (const layer of rows) {
      const mean = Array.from(
        { length: keys },
        (_, j) => layer.reduce((s, row) => s + (row[j] ?? 0), 0) / heads,
      );
      const over = (from: number, to: number) => mean.slice(from, to).reduce((a, b) => a + b, 0);
      masses.push(over(0, p), over(p, p + n), over(p + n, p + n + 1), over(p + n + 1, g0), over(g0, keys));
      const z = over(p, keys);
      truth.image += over(p, p + n) / z / layers;
      truth.query += over(p + n + 1, g0) / z / layers;
      truth.generated += over(g0, keys) / z / layers;
    }
    const shares = sharesOf(Float32Array.from(masses));
    for (const name of ['image', 'query', 'generated'] as const)
      expect(shares[name]).toBeCloseTo(truth[name], 6);
    expect(shares.image + shares.query + shares.generated).toBeLessThan(1);
  });

  it('counts a layer that looks only before the image as zero', () => {
    expect(sharesOf(Float32Array.of(1, 0, 0, 0, 0))).toEqual({ image: 0, query: 0, generated: 0 });
  });
});

describe('meanMap', () => {
  it('averages layers and drops the padding of a smaller picture', () => {
    const map = meanMap(Float32Array.of(0.1, 0.2, 0.3, 9, 0.3, 0.2, 0.1, 9), 4, 3);
    expect([...map].map((value) => Number(value.toFixed(6)))).toEqual([0.2, 0.2, 0.2]);
  });
});

describe('AttentionRecorder', () => {
  const recorder = new AttentionRecorder([2, 1], { batch: 3, mapLayers: 2 });
  const layer = (image: number) => [0, image, 0, 1 - image, 0];

  it('reads its own sequence of the batch and gives it to the token before', () => {
    const shares = Float32Array.from([...layer(0.1), ...layer(0.5), ...layer(0.9)]);
    const map = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0]);
    const found = recorder.read({ step: 4, shares, map }, 1);
    expect(found?.step).toBe(3);
    expect(found?.shares.image).toBeCloseTo(0.5, 6);
    expect([...(found?.map ?? [])]).toEqual([6]);
    expect([...(recorder.read({ step: 4, shares, map }, 0)?.map ?? [])]).toEqual([2, 3]);
  });

  it('has nothing for the prompt step or without capture', () => {
    expect(recorder.read({ step: 0, shares: new Float32Array(15) }, 0)).toBeNull();
    expect(recorder.read({ step: 2 }, 0)).toBeNull();
  });

  it('gives an empty map when maps were not captured', () => {
    expect(recorder.read({ step: 1, shares: new Float32Array(15) }, 0)?.map).toHaveLength(0);
  });
});
