// Measures what a precision loses of each weight of a checkpoint: how far the rounded values are from the stored ones. It
// reads a piece at a time and needs no device.

import { isQuantised, type WeightFormat } from '../kernels/weight_format';
import type { Checkpoint } from './checkpoint';
import { dequantiseRows } from './quantization';
import { toFloat32 } from './safetensors';
import type { ModelSpec } from './spec';
import { type WeightGroup, type WeightPrecision, type WeightRole, weightGroups } from './weight_layout';
import { checkWeights } from './weight_names';
import { readWeightRows } from './weight_reader';

/** What rounding does to one weight. */
export interface WeightError {
  readonly name: string;
  readonly role: WeightRole;
  readonly format: WeightFormat;
  readonly elements: number;
  /** Frobenius norm of the stored values. */
  readonly norm: number;
  /** Norm of the difference over the norm of the stored values; 0 where these are zero. */
  readonly relative: number;
  /** Largest difference of one value. */
  readonly largest: number;
}

const PIECE_ELEMENTS = 1 << 22;

/** The values that rows stand for on the device, as f32. */
export async function deviceRows(
  checkpoint: Checkpoint,
  group: WeightGroup,
  first: number,
  rows: number,
): Promise<Float32Array> {
  const width = group.shape[1] ?? 1;
  const planes = await readWeightRows(checkpoint, group, first, rows);
  const [values, scales] = planes;
  if (!values) return new Float32Array(0);
  if (isQuantised(group.format) && scales) {
    const groups = rows * Math.ceil(width / 32);
    const quants = new Uint32Array(values.buffer);
    return dequantiseRows({ quants, scales: new Uint16Array(scales.buffer, 0, groups) }, width, group.format);
  }
  const dtype = group.format === 'bf16' ? 'BF16' : group.format === 'f16' ? 'F16' : 'F32';
  return toFloat32(dtype, values).subarray(0, rows * width);
}

/**
 * Errors of all weights, in the order in which they load.
 * @param onElements told after each piece how many elements it had; what it throws ends the measuring
 * @throws ModelError `model/weights` as loading does
 */
export async function* weightErrors(
  config: ModelSpec,
  checkpoint: Checkpoint,
  precision: WeightPrecision,
  onElements: (elements: number) => void = () => undefined,
): AsyncGenerator<WeightError> {
  const { sources } = checkWeights(config, checkpoint.tensors);
  for (const group of weightGroups(config, checkpoint.tensors, sources, precision)) {
    const [total, width = 1] = group.shape;
    const step = Math.max(1, Math.floor(PIECE_ELEMENTS / width));
    let [lost, size, largest] = [0, 0, 0];
    for (let first = 0; first < total; first += step) {
      const rows = Math.min(step, total - first);
      const wanted = await deviceRows(checkpoint, { ...group, format: 'f32' }, first, rows);
      const rounded = await deviceRows(checkpoint, group, first, rows);
      wanted.forEach((value, i) => {
        const difference = Math.abs(value - (rounded[i] as number));
        lost += difference * difference;
        size += value * value;
        if (difference > largest) largest = difference;
      });
      onElements(rows * width);
    }
    const relative = size > 0 ? Math.sqrt(lost / size) : 0;
    yield {
      name: group.name,
      role: group.role,
      format: group.format,
      elements: total * width,
      norm: Math.sqrt(size),
      relative,
      largest,
    };
  }
}

/** ‖ΔW‖/‖W‖ with all matrices taken as one: the root of the summed squares of each norm. Vectors stay f32 and do not count. */
export function relativeOfMatrices(errors: Iterable<WeightError>): number {
  let [lost, size] = [0, 0];
  for (const { role, norm, relative } of errors) {
    if (role === 'vector') continue;
    lost += (relative * norm) ** 2;
    size += norm ** 2;
  }
  return size > 0 ? Math.sqrt(lost / size) : 0;
}
