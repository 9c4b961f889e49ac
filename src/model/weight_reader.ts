// Reads rows of a weight out of a checkpoint, a piece at a time, as they lie on the device: the rows of fused tensors
// one after another, in the weight's format. No tensor is ever in memory as a whole.

import { isQuantised, type QuantFormat, type WeightFormat } from '../kernels/weight_format';
import { ModelError } from '../lib/errors';
import { f32ToBf16, f32ToF16 } from '../lib/float_bits';
import type { Checkpoint } from './checkpoint';
import { quantiseRows } from './quantization';
import { DTYPE_BYTES, type Dtype, toFloat32 } from './safetensors';
import type { WeightGroup } from './weight_layout';

type DenseFormat = Exclude<WeightFormat, QuantFormat>;

const DENSE: Readonly<Record<DenseFormat, Dtype>> = { f32: 'F32', bf16: 'BF16', f16: 'F16' };

/** Bytes of values in a dense format, rounded to nearest where it is narrower. */
function encodeDense(values: Float32Array, format: DenseFormat): Uint8Array<ArrayBuffer> {
  const encoded = format === 'bf16' ? f32ToBf16(values) : format === 'f16' ? f32ToF16(values) : values;
  return new Uint8Array(encoded.buffer as ArrayBuffer, encoded.byteOffset, encoded.byteLength);
}

/** Writes rows [first, first + rows) of a weight as `dtype` into `target`, which holds just these. */
async function readDense(
  checkpoint: Checkpoint,
  { shape, parts }: WeightGroup,
  first: number,
  rows: number,
  format: DenseFormat,
  target: Uint8Array,
): Promise<void> {
  const width = shape[1] ?? 1;
  const rowBytes = width * DTYPE_BYTES[DENSE[format]];
  let partFirst = 0;
  for (const { source, dtype, rows: partRows } of parts) {
    const from = Math.max(first, partFirst);
    const to = Math.min(first + rows, partFirst + partRows);
    if (from < to) {
      const line = width * DTYPE_BYTES[dtype];
      const bytes = await checkpoint.read(source, [(from - partFirst) * line, (to - partFirst) * line]);
      const same = dtype === DENSE[format];
      target.set(same ? bytes : encodeDense(toFloat32(dtype, bytes), format), (from - first) * rowBytes);
    }
    partFirst += partRows;
  }
}

/**
 * Rows [first, first + rows) of a weight.
 * @returns the bytes of each plane of the weight's format, each padded with zeros to a multiple of 4
 * @throws ModelError `model/weights` when a weight to quantise holds values that are not finite
 */
export async function readWeightRows(
  checkpoint: Checkpoint,
  group: WeightGroup,
  first: number,
  rows: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { name, format, shape } = group;
  const width = shape[1] ?? 1;
  if (!isQuantised(format)) {
    const plane = padded(rows * width * DTYPE_BYTES[DENSE[format]]);
    await readDense(checkpoint, group, first, rows, format, plane);
    return [plane];
  }
  const values = new Float32Array(rows * width);
  await readDense(checkpoint, group, first, rows, 'f32', new Uint8Array(values.buffer));
  const quantised = quantiseRows(values, width, format);
  if (!quantised) {
    const message = `${name} holds values that are not finite (NaN or infinite): the checkpoint is damaged.`;
    throw new ModelError('model/weights', message, { tensor: name });
  }
  return [quantised.quants, quantised.scales].map((plane) => {
    const bytes = padded(plane.byteLength);
    bytes.set(new Uint8Array(plane.buffer));
    return bytes;
  });
}

function padded(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Math.ceil(bytes / 4) * 4);
}
