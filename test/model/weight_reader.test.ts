// Rows of a weight, read piece by piece: fused parts one after another, in the weight's format.

import { describe, expect, it } from 'vitest';
import { f32ToBf16, f32ToF16 } from '../../src/lib/float_bits';
import { openCheckpoint } from '../../src/model/checkpoint';
import { memorySource, writeSafetensors } from '../../src/model/safetensors';
import type { WeightGroup } from '../../src/model/weight_layout';
import { readWeightRows } from '../../src/model/weight_reader';
import { noise } from '../harness/check_op';

const WIDTH = 5;
const [Q, K] = [noise(3 * WIDTH, 1), noise(4 * WIDTH, 2)];
const bytesOf = (values: Float32Array | Uint16Array) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

async function open() {
  const file = writeSafetensors([
    { name: 'q', dtype: 'BF16', shape: [3, WIDTH], bytes: bytesOf(f32ToBf16(Q)) },
    { name: 'k', dtype: 'F32', shape: [4, WIDTH], bytes: bytesOf(K) },
  ]);
  return openCheckpoint({
    open: async (name) => (name === 'model.safetensors' ? memorySource(name, file) : null),
  });
}

const group = (format: WeightGroup['format']): WeightGroup => ({
  name: 'qk',
  shape: [7, WIDTH],
  role: 'text',
  format,
  parts: [
    { source: 'q', dtype: 'BF16', rows: 3 },
    { source: 'k', dtype: 'F32', rows: 4 },
  ],
});

describe('readWeightRows', () => {
  it.each([
    [0, 7],
    [1, 1],
    [2, 3],
    [4, 3],
  ])('reads rows from %i, %i of them, in every dense format', async (first, rows) => {
    const checkpoint = await open();
    const q = Float32Array.from(
      f32ToBf16(Q),
      (bits) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!,
    );
    const values = Float32Array.from([...q, ...K]).slice(first * WIDTH, (first + rows) * WIDTH);
    const wanted = { f32: values, bf16: f32ToBf16(values), f16: f32ToF16(values) };
    for (const format of ['f32', 'bf16', 'f16'] as const) {
      const [plane] = await readWeightRows(checkpoint, group(format), first, rows);
      const want = bytesOf(wanted[format]);
      expect(plane!.length % 4).toBe(0);
      expect([...plane!.subarray(0, want.length)], format).toEqual([...want]);
      expect(plane!.subarray(want.length).every((byte) => byte === 0)).toBe(true);
    }
  });
});
