// Defines the formats in which matrices of weights are stored on the device, and the planes that each consists of.
// Every kernel that reads weights takes its operands from here; shaders/lib/weight_load.wgsl unpacks them.

import { BYTES_PER_ELEMENT, type DType, type OperandSpec } from '../gpu/kernel';
import type { ShaderDefines } from '../gpu/shader_source';
import { reads } from './shader';

/**
 * How a matrix is stored. bf16 and f16 are packed two per u32, low half first, as in a safetensors file. int8 and int4
 * are groups of {@link QUANT_GROUP} neighbours in a row with a scale each: value = scale · q. Rows are padded with
 * zeros to whole groups. int8: byte j of word i holds q of element 4i + j, in two's complement. int4: byte j of word i
 * holds q + 8 of element 4i + j in its low half, of element 16 + 4i + j in its high half. Scales are bf16: its range is
 * that of f32, so that no scale overflows or is flushed to zero, and a product with q is exact in f32.
 */
export type WeightFormat = 'f32' | 'bf16' | 'f16' | 'int8' | 'int4';

/** Formats of groups with a scale each. */
export type QuantFormat = 'int8' | 'int4';

/** Neighbours in a row that share a scale. */
export const QUANT_GROUP = 32;

/** Words of a group by format. */
const GROUP_WORDS: Readonly<Record<QuantFormat, number>> = { int8: 8, int4: 4 };

/** One of the tensors that hold a matrix: so many elements for each of its rows. */
export interface WeightPlane {
  readonly name: string;
  readonly dtype: DType;
  readonly columns: number;
}

/** True for formats of groups with a scale each. */
export function isQuantised(format: WeightFormat): format is QuantFormat {
  return format === 'int8' || format === 'int4';
}

/** The planes of a matrix with rows of `width` values, in binding order. */
export function weightPlanes(format: WeightFormat, width: number): readonly WeightPlane[] {
  if (!isQuantised(format)) return [{ name: 'values', dtype: format, columns: width }];
  const groups = Math.ceil(width / QUANT_GROUP);
  return [
    { name: 'quants', dtype: 'u32', columns: groups * GROUP_WORDS[format] },
    { name: 'scales', dtype: 'bf16', columns: groups },
  ];
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

/** Text parameters of a shader that includes lib/weight_load.wgsl. */
export function weightDefines(format: WeightFormat): ShaderDefines {
  const quantised = isQuantised(format);
  return {
    WEIGHT: format,
    QUANTISED: quantised,
    ...(quantised ? { GROUP_WORDS: GROUP_WORDS[format] } : {}),
  };
}
