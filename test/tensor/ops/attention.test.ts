// Attention as an op: shared prefix and segments, gradients of q, k and v, capture that sums to one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { attention } from '../../../src/tensor/ops/attention';
import { splitRotary } from '../../../src/tensor/ops/split_rotary';
import { runOnce } from '../../../src/tensor/program';
import { reshape, Trace } from '../../../src/tensor/trace';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { referenceSegmentAttention } from '../../reference/segment_attention';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const SHAPE = { tokens: 11, keys: 11, heads: 4, kvHeads: 2, headSize: 8, scale: 8 ** -0.5 };
const PREFIX = 3;

/** A prefix, then two completions that see it and themselves, then a padding row. */
function ranges(): Uint32Array {
  const words = new Uint32Array(4 * SHAPE.tokens);
  for (let row = 0; row < SHAPE.tokens - 1; row++) {
    const own = row < PREFIX ? 0 : row < 7 ? PREFIX : 7;
    words.set([0, row < PREFIX ? 0 : PREFIX, own, row + 1], 4 * row);
  }
  return words;
}

const size = (heads: number): number => SHAPE.tokens * heads * SHAPE.headSize;

describe('attention', () => {
  it('passes values and gradients over shared prefixes', async () => {
    const shape = (heads: number) => [SHAPE.tokens, heads, SHAPE.headSize];
    await checkOp(gpu, {
      inputs: {
        q: { shape: shape(4), data: noise(size(4), 1), grad: true },
        k: { shape: shape(2), data: noise(size(2), 2), grad: true },
        v: { shape: shape(2), data: noise(size(2), 3), grad: true },
        ranges: { shape: [SHAPE.tokens, 4], data: ranges(), dtype: 'u32' },
      },
      build: (trace, t) => attention(trace, { q: t.q!, k: t.k!, v: t.v! }, { ranges: t.ranges! }).out,
      reference: ({ q, k, v }) =>
        referenceSegmentAttention({ ...SHAPE, q: q!, k: k!, v: v!, ranges: ranges() }).out,
      tolerance: 1e-5,
    });
  });

  it('takes heads of 6 padded to 8, with the scale and the gradients of 6', async () => {
    const [tokens, headSize] = [SHAPE.tokens, 6];
    const heads = { heads: 1, kvHeads: 1, headSize };
    await checkOp(gpu, {
      inputs: {
        qkv: { shape: [tokens, 3 * headSize], data: noise(tokens * 3 * headSize, 4), grad: true },
        // No rotation, so that the reference needs none.
        cos: { shape: [1, 3], data: new Float32Array(3).fill(1) },
        sin: { shape: [1, 3], data: new Float32Array(3) },
        rows: { shape: [tokens], data: new Uint32Array(tokens), dtype: 'u32' },
        ranges: { shape: [tokens, 4], data: ranges(), dtype: 'u32' },
      },
      build: (trace, t) => {
        const rotary = { cos: t.cos!, sin: t.sin!, rows: t.rows! };
        const parts = splitRotary(trace, t.qkv!, { ...heads, headStride: 8 }, rotary);
        const { out } = attention(trace, { ...parts, headSize }, { ranges: t.ranges! });
        return reshape(out, [tokens, headSize]);
      },
      reference: ({ qkv }) => {
        const part = (index: number) =>
          Array.from(qkv!).filter((_, i) => Math.floor((i % (3 * headSize)) / headSize) === index);
        const shape = { ...SHAPE, ...heads, scale: headSize ** -0.5 };
        return referenceSegmentAttention({ ...shape, q: part(0), k: part(1), v: part(2), ranges: ranges() })
          .out;
      },
      tolerance: 1e-5,
    });
  });

  it('captures masses and a map that partition each row', async () => {
    const trace = new Trace(gpu.traits);
    const input = (name: string, heads: number) => trace.input(name, [SHAPE.tokens, heads, SHAPE.headSize]);
    const parts = { q: input('q', 4), k: input('k', 2), v: input('v', 2) };
    const visible = { ranges: trace.input('ranges', [SHAPE.tokens, 4], 'u32') };
    const keyClass = Uint32Array.from({ length: SHAPE.keys }, (_, key) =>
      key < PREFIX ? 1 | (key << 8) : 4,
    );
    const captured = attention(trace, parts, visible, {
      keyClass: trace.input('class', [SHAPE.keys], 'u32'),
      mapSize: PREFIX,
    });
    trace.output('masses', captured.masses!);
    trace.output('map', captured.map!);
    const { masses, map } = await runOnce(gpu, trace, {
      q: noise(size(4), 1),
      k: noise(size(2), 2),
      v: noise(size(2), 3),
      ranges: ranges(),
      class: keyClass,
    });
    for (let row = 0; row < (SHAPE.tokens - 1) * SHAPE.heads; row++) {
      const [, image, , , generated] = masses!.subarray(5 * row, 5 * row + 5);
      expect(image! + generated!).toBeCloseTo(1, 5);
      const mapped = [...map!.subarray(PREFIX * row, PREFIX * (row + 1))];
      expect(mapped.reduce((a, b) => a + b, 0)).toBeCloseTo(image!, 5);
    }
    // The padding row sees nothing.
    expect([...masses!.subarray(-5 * SHAPE.heads)].every((mass) => mass === 0)).toBe(true);
  });
});
