// Defines the formats in which matrices of weights are stored on the device, and the planes that each consists of.
// Every kernel that reads weights takes its operands from here.

import { BYTES_PER_ELEMENT, type DType, type OperandSpec } from '../gpu/kernel';
import { reads } from './shader';

/** How a matrix is stored: bf16 and f16 are packed two per u32, low half first, as in a safetensors file. */
export type WeightFormat = 'f32' | 'bf16' | 'f16';

/** One of the tensors that hold a matrix: so many elements for each of its rows. */
export interface WeightPlane {
  readonly name: string;
  readonly dtype: DType;
  readonly columns: number;
}

/** The planes of a matrix with rows of `width` values, in binding order. */
export function weightPlanes(format: WeightFormat, width: number): readonly WeightPlane[] {
  return [{ name: 'values', dtype: format, columns: width }];
}

/** Bytes of one row over all planes. */
export function weightRowBytes(format: WeightFormat, width: number): number {
  const sizes = weightPlanes(format, width).map(({ dtype, columns }) => columns * BYTES_PER_ELEMENT[dtype]);
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** The operands of a kernel that reads a matrix [rows, width]. */
export function weightOperands(
  name: string,
  format: WeightFormat,
  rows: number,
  width: number,
): OperandSpec[] {
  const planes = weightPlanes(format, width);
  return planes.map((plane) =>
    reads(planes.length === 1 ? name : `${name} ${plane.name}`, rows * plane.columns, plane.dtype),
  );
}
