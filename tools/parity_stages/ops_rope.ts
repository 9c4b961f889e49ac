// Computes the rope cases of an `ops` folder by the fused kernel that models run, with their vectors as its queries.

import type { GpuContext } from '../../src/gpu/device';
import { splitRotary, splitRotaryBackward } from '../../src/kernels/split_rotary';
import { chunkedStreams, interleavedStreams } from '../../src/model/families/qwen_reading';
import { textRopeTables } from '../../src/model/rope_index';
import { type Case, emit, need, type Results, run } from './ops_case';

/** Rotated vectors, their gradients, and the tables; keys and values of the fused projection repeat the queries. */
export async function runRope(gpu: GpuContext, test: Case): Promise<Results> {
  const [tokens = 1, heads = 1, headSize = 2] = test.shape('x');
  const width = heads * headSize;
  const theta = (await test.read('theta'))[0] ?? 1e4;
  const positions = await test.integers('pos');
  const section = test.parts.has('section') ? [...(await test.integers('section'))] : [headSize / 2, 0, 0];
  const tables = ropeTables(test.name, positions, headSize, theta, section);
  const table = (data: Float32Array) => ({ data, shape: [tokens, headSize / 2] });
  const x = await test.read('x');
  const fused = Float32Array.from(
    { length: 3 * x.length },
    (_, i) => x[Math.floor(i / (3 * width)) * width + (i % width)] ?? Number.NaN,
  );
  const inputs = {
    qkv: { data: fused, shape: [tokens, 3 * width] },
    dy: { data: await test.read('dy'), shape: test.shape('dy') },
    cos: table(tables.cos),
    sin: table(tables.sin),
    rows: { data: Uint32Array.from({ length: tokens }, (_, i) => i), shape: [tokens], dtype: 'u32' as const },
  };
  const { y, dqkv } = await run(gpu, inputs, (trace, t) => {
    const angles = [need(t, 'cos'), need(t, 'sin'), need(t, 'rows')];
    const shape = { tokens, heads, kvHeads: heads, headSize };
    const [q, k, v] = (['q', 'k', 'v'] as const).map((name) => trace.activation(name, test.shape('x')));
    if (!q || !k || !v) throw new Error('three tensors were made');
    trace.emit(splitRotary(shape, trace.traits), [need(t, 'qkv'), ...angles, q, k, v]);
    const gradients = [need(t, 'dy'), need(t, 'dy'), need(t, 'dy'), ...angles];
    const dqkv = emit(trace, splitRotaryBackward(shape, trace.traits), gradients, 'dqkv', [
      tokens,
      3 * width,
    ]);
    return { y: q, dqkv };
  });
  const dx = dqkv?.filter((_, i) => i % (3 * width) < width);
  return { y, dx, cos: twice(tables.cos, headSize / 2), sin: twice(tables.sin, headSize / 2) };
}

function ropeTables(
  name: string,
  positions: Int32Array,
  headSize: number,
  theta: number,
  section: readonly number[],
) {
  const interleaved = name.includes('interleaved');
  const streams = interleaved ? interleavedStreams(section, headSize / 2) : chunkedStreams(section);
  return textRopeTables(positions, { headDim: headSize, rope: { theta, kind: 'multimodal', streams } });
}

function twice(table: Float32Array, width: number): Float32Array {
  return Float32Array.from(
    { length: 2 * table.length },
    (_, i) => table[Math.floor(i / (2 * width)) * width + (i % width)] ?? Number.NaN,
  );
}
