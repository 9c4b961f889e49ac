// Splitting and rotating a fused projection: values and gradients, one head at a time through attention's inputs.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { add } from '../../../src/tensor/ops/activation';
import { splitRotary } from '../../../src/tensor/ops/split_rotary';
import { reshape, Trace } from '../../../src/tensor/trace';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const TOKENS = 5;
const HS = 6;

describe('splitRotary', () => {
  it('rotates queries and keys, copies values, and turns gradients back', async () => {
    const angle = noise((TOKENS * HS) / 2, 7).map((v) => 3 * v);
    await checkOp(gpu, {
      inputs: {
        qkv: { shape: [TOKENS, 3 * HS], data: noise(TOKENS * 3 * HS, 1), grad: true },
        cos: { shape: [TOKENS, HS / 2], data: angle.map(Math.cos) },
        sin: { shape: [TOKENS, HS / 2], data: angle.map(Math.sin) },
        rows: { shape: [TOKENS], data: Uint32Array.from([2, 0, 4, 1, 1]), dtype: 'u32' },
      },
      build: (trace, t) => {
        const layout = { heads: 1, kvHeads: 1, headSize: HS };
        const { q, k, v } = splitRotary(trace, t.qkv!, layout, { cos: t.cos!, sin: t.sin!, rows: t.rows! });
        return reshape(add(trace, add(trace, q, k), v), [TOKENS, HS]);
      },
      reference: ({ qkv, cos, sin, rows }) =>
        Float64Array.from({ length: TOKENS * HS }, (_, i) => {
          const [t, d] = [Math.floor(i / HS), i % HS];
          const j = d % (HS / 2);
          const [c, s] = [cos![(rows![t]! * HS) / 2 + j]!, sin![(rows![t]! * HS) / 2 + j]!];
          const turned = (part: number): number => {
            const a = qkv![t * 3 * HS + part * HS + j]!;
            const b = qkv![t * 3 * HS + part * HS + j + HS / 2]!;
            return d < HS / 2 ? a * c - b * s : b * c + a * s;
          };
          return turned(0) + turned(1) + qkv![t * 3 * HS + 2 * HS + d]!;
        }),
      tolerance: 1e-5,
    });
  });

  it('refuses a width that does not split', () => {
    const trace = new Trace(gpu.traits);
    const rotary = {
      cos: trace.input('c', [1, 2]),
      sin: trace.input('s', [1, 2]),
      rows: trace.input('r', [1], 'u32'),
    };
    expect(() =>
      splitRotary(trace, trace.input('qkv', [1, 13]), { heads: 1, kvHeads: 1, headSize: 4 }, rotary),
    ).toThrow(/does not split/);
  });
});
