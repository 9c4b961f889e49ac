// Embeddings with image features, and rows picked from a matrix with their gradient.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { embed, gatherRows } from '../../../src/tensor/ops/embedding';
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
