// Reads rows of a weight out of a checkpoint, a piece at a time, as they lie on the device: the rows of fused tensors
// one after another, in the weight's format. No tensor is ever in memory as a whole.

import type { WeightFormat } from '../kernels/weight_format';
import { f32ToBf16, f32ToF16 } from '../lib/float_bits';
import type { Checkpoint } from './checkpoint';
import { DTYPE_BYTES, type Dtype, toFloat32 } from './safetensors';
import type { WeightGroup } from './weight_layout';

const DENSE: Readonly<Record<WeightFormat, Dtype>> = { f32: 'F32', bf16: 'BF16', f16: 'F16' };

/** Bytes of values in a dense format, rounded to nearest where it is narrower. */
function encodeDense(values: Float32Array, format: WeightFormat): Uint8Array<ArrayBuffer> {
  const encoded = format === 'bf16' ? f32ToBf16(values) : format === 'f16' ? f32ToF16(values) : values;
  return new Uint8Array(encoded.buffer as ArrayBuffer, encoded.byteOffset, encoded.byteLength);
}

/**
 * Rows [first, first + rows) of a weight.
 * @returns the bytes of each plane of the weight's format, each padded with zeros to a multiple of 4
 */
export async function readWeightRows(
  checkpoint: Checkpoint,
  { format, shape, parts }: WeightGroup,
  first: number,
  rows: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const width = shape[1] ?? 1;
  const rowBytes = width * DTYPE_BYTES[DENSE[format]];
  const plane = new Uint8Array(Math.ceil((rows * rowBytes) / 4) * 4);
  let partFirst = 0;
  for (const { source, dtype, rows: partRows } of parts) {
    const from = Math.max(first, partFirst);
    const to = Math.min(first + rows, partFirst + partRows);
    if (from < to) {
      const line = width * DTYPE_BYTES[dtype];
      const bytes = await checkpoint.read(source, [(from - partFirst) * line, (to - partFirst) * line]);
      const same = dtype === DENSE[format];
      plane.set(same ? bytes : encodeDense(toFloat32(dtype, bytes), format), (from - first) * rowBytes);
    }
    partFirst += partRows;
  }
  return [plane];
}
