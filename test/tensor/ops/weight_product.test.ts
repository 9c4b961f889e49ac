// A weight in several shards gives the bits of the same weight in one: linear layers forward and backward, embeddings,
// the vocabulary's log-probabilities.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceTraits, GpuContext } from '../../../src/gpu/device';
import { BYTES_PER_ELEMENT } from '../../../src/gpu/kernel';
import { type WeightFormat, weightPlanes } from '../../../src/kernels/weight_format';
import { backward } from '../../../src/tensor/autodiff';
import { embed } from '../../../src/tensor/ops/embedding';
import { linear } from '../../../src/tensor/ops/linear';
import { tokenLogps } from '../../../src/tensor/ops/token_logp';
import { type HostArray, runOnce } from '../../../src/tensor/program';
import { type Tensor, Trace } from '../../../src/tensor/trace';
import type { Weight } from '../../../src/tensor/weight';
import { noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { placeWeight } from '../../harness/place_weight';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const [ROWS, WIDTH, OUT] = [5, 36, 300];
const VALUES = noise(OUT * WIDTH, 2);

/** The outputs of a trace over a weight in one shard, and over the same in three. */
async function both(
  build: (trace: Trace, weight: Weight) => Record<string, Tensor>,
  inputs: Readonly<Record<string, HostArray>>,
  { traits = gpu.traits, format = 'f32' }: { traits?: DeviceTraits; format?: WeightFormat } = {},
): Promise<Record<string, HostArray>[]> {
  const results: Record<string, HostArray>[] = [];
  const rowBytes = Math.max(
    ...weightPlanes(format, WIDTH).map(({ dtype, columns }) => columns * BYTES_PER_ELEMENT[dtype]),
  );
  for (const limit of [Number.POSITIVE_INFINITY, 128 * rowBytes]) {
    const placed = placeWeight(gpu, format, VALUES, [OUT, WIDTH], limit);
    expect(placed.weight.shards.length).toBe(limit === Number.POSITIVE_INFINITY ? 1 : 3);
    const trace = new Trace(traits);
    for (const [name, tensor] of Object.entries(build(trace, placed.weight))) trace.output(name, tensor);
    results.push(await runOnce(gpu, trace, inputs));
    placed.destroy();
  }
  return results;
}

describe('a weight in three shards', () => {
  it.each([1, 5, 40])('applies forward and backward alike to %i rows', async (rows) => {
    for (const software of [gpu.traits.software, false]) {
      const [whole, cut] = await both(
        (trace, weight) => {
          const x = trace.input('x', [rows, WIDTH], 'f32', true);
          const y = linear(trace, x, weight, {
            bias: trace.input('bias', [OUT]),
            residual: trace.input('residual', [rows, OUT]),
          });
          const [dx] = backward(trace, [[y, trace.input('dy', [rows, OUT])]], [x]);
          return { y, dx: dx! };
        },
        {
          x: noise(rows * WIDTH, 1),
          bias: noise(OUT, 3),
          residual: noise(rows * OUT, 4),
          dy: noise(rows * OUT, 5),
        },
        { traits: { ...gpu.traits, software } },
      );
      expect(cut, `software ${software}`).toEqual(whole);
    }
  });

  it.each(['bf16', 'int8', 'int4'] as const)('is alike in %s', async (format) => {
    const ids = Uint32Array.from([0, 127, 128, 299]);
    const [whole, cut] = await both(
      (trace, weight) => {
        const x = trace.input('x', [9, WIDTH], 'f32', true);
        const y = linear(trace, x, weight);
        const [dx] = backward(trace, [[y, trace.input('dy', [9, OUT])]], [x]);
        const tokens = { ids: trace.input('ids', [4], 'u32'), stride: 1, offset: 0 };
        return { y, dx: dx!, rows: embed(trace, weight, tokens, 4) };
      },
      { x: noise(9 * WIDTH, 1), dy: noise(9 * OUT, 5), ids },
      { format },
    );
    expect(cut).toEqual(whole);
  });

  it('looks up the same rows, image features between them', async () => {
    const ids = Uint32Array.from([0, 127, 128, 255, 256, 299, 400, 7]);
    const [whole, cut] = await both(
      (trace, weight) => {
        const images = {
          features: trace.input('features', [2, WIDTH]),
          rows: trace.input('rows', [8], 'i32'),
        };
        const tokens = { ids: trace.input('ids', [8], 'u32'), stride: 1, offset: 0 };
        return { out: embed(trace, weight, tokens, 8, images) };
      },
      { ids, features: noise(2 * WIDTH, 6), rows: Int32Array.from([-1, -1, 1, -1, -1, -1, -1, 0]) },
    );
    expect(cut).toEqual(whole);
    expect([...whole!.out!.subarray(4 * WIDTH, 5 * WIDTH)]).toEqual([
      ...VALUES.subarray(256 * WIDTH, 257 * WIDTH),
    ]);
  });

  // All logits at once, and two chunks of 256 and 44 ids, of which the first spans two shards.
  it.each([1 << 20, 4 * ROWS * 260])(
    'gives the same log-probabilities with a scratch of %i bytes',
    async (scratchBytes) => {
      const [whole, cut] = await both(
        (trace, weight) => {
          const hidden = trace.input('hidden', [ROWS, WIDTH], 'f32', true);
          const labels = trace.input('labels', [ROWS], 'i32');
          const { logp, lse, entropy, argmax } = tokenLogps(trace, hidden, weight, labels, { scratchBytes });
          const [dHidden] = backward(trace, [[logp, trace.input('dlogp', [ROWS])]], [hidden]);
          return { logp, lse, entropy, argmax, dHidden: dHidden! };
        },
        {
          hidden: noise(ROWS * WIDTH, 1),
          labels: Int32Array.from([7, 299, -100, 130, 256]),
          dlogp: noise(ROWS, 9),
        },
      );
      expect(cut).toEqual(whole);
    },
  );
});
