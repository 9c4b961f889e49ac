// Embeddings with image features, and rows picked from a matrix with their gradient.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { addRows, blendRows, embed, gatherRows, placeRows } from '../../../src/tensor/ops/embedding';
import { runOnce } from '../../../src/tensor/program';
import { Trace } from '../../../src/tensor/trace';
import { denseWeight } from '../../../src/tensor/weight';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

describe('embed', () => {
  it('takes image features where a row is named, the table elsewhere', async () => {
    const trace = new Trace(gpu.traits);
    const table = trace.input('table', [7, 5]);
    const images = { features: trace.input('features', [2, 5]), rows: trace.input('rows', [4], 'i32') };
    const ids = { ids: trace.input('ids', [4], 'u32'), stride: 1, offset: 0 };
    trace.output('out', embed(trace, denseWeight(table), ids, 4, images));
    const [tableData, features] = [noise(35, 1), noise(10, 2)];
    const { out } = await runOnce(gpu, trace, {
      table: tableData,
      features,
      rows: Int32Array.from([-1, 1, 0, -1]),
      ids: Uint32Array.from([6, 3, 3, 0]),
    });
    expect([...out!]).toEqual([
      ...tableData.subarray(30, 35),
      ...features.subarray(5, 10),
      ...features.subarray(0, 5),
      ...tableData.subarray(0, 5),
    ]);
  });
});

describe('gatherRows', () => {
  it('picks rows and puts their gradients back, zeros elsewhere', async () => {
    const index = Uint32Array.from([4, 0, 3]);
    await checkOp(gpu, {
      inputs: {
        x: { shape: [6, 9], data: noise(54, 1), grad: true },
        index: { shape: [3], data: index, dtype: 'u32' },
      },
      build: (trace, t) => gatherRows(trace, t.x!, t.index!),
      reference: ({ x }) =>
        Float64Array.from({ length: 27 }, (_, i) => x![index[Math.floor(i / 9)]! * 9 + (i % 9)]!),
      tolerance: 1e-6,
    });
  });
});

describe('addRows', () => {
  it('adds features where a row is named, and passes gradients on', async () => {
    const rows = Int32Array.from([-1, 2, 0, -1]);
    await checkOp(gpu, {
      inputs: {
        x: { shape: [4, 5], data: noise(20, 1), grad: true },
        features: { shape: [4, 5], data: noise(20, 2) },
        rows: { shape: [4], data: rows, dtype: 'i32' },
      },
      build: (trace, t) => addRows(trace, t.x!, { features: t.features!, rows: t.rows! }, 1),
      reference: ({ x, features }) =>
        Float64Array.from(x!, (value, i) => {
          const row = rows[Math.floor(i / 5)]!;
          return row < 0 ? value : value + features![(row + 1) * 5 + (i % 5)]!;
        }),
      tolerance: 1e-6,
    });
  });
});

describe('placeRows and blendRows', () => {
  it('put rows where they belong, and blend four', async () => {
    const trace = new Trace(gpu.traits);
    const [x, index] = [trace.input('x', [3, 3]), trace.input('index', [3], 'u32')];
    const into = trace.activation('into', [3, 3]);
    placeRows(trace, x, index, into);
    const taps = trace.input('taps', [1, 4], 'u32');
    trace.output('out', blendRows(trace, into, taps, trace.input('weights', [1, 4])));
    const { out } = await runOnce(gpu, trace, {
      x: Float32Array.from([1, 2, 3, 10, 20, 30, 5, 5, 5]),
      index: Uint32Array.from([2, 0, 1]),
      taps: Uint32Array.from([0, 1, 2, 2]),
      weights: Float32Array.from([0.5, 1, 2, 1]),
    });
    expect([...out!]).toEqual([13, 21, 29]);
    const trained = trace.input('trained', [2, 3], 'f32', true);
    expect(() => placeRows(trace, trained, index, into)).toThrow(/frozen/);
    expect(() => blendRows(trace, trained, taps, taps)).toThrow(/frozen/);
  });
});
