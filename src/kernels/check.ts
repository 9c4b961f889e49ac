// Checks arguments and computes grids for the kernel wrappers. A bad shape is a ShapeError that names kernel and
// field.

import type { DeviceTraits } from '../gpu/device';
import { BYTES_PER_ELEMENT, type DType, foldGrid, MAX_GRID_DIMENSION } from '../gpu/kernel';
import { GpuError, ShapeError } from '../lib/errors';

/**
 * Checks that every value is a positive integer below 2^32.
 * @throws ShapeError naming the kernel and the field
 */
export function checkDimensions(kernel: string, dimensions: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(dimensions)) {
    if (!Number.isInteger(value) || value < 1 || value > 0xffffffff) {
      throw new ShapeError(`${kernel}: ${name} is ${value}; it must be a positive integer.`, {
        [name]: value,
      });
    }
  }
}

/**
 * Checks that an operand fits one binding of the device and 32-bit element indices.
 * @throws GpuError `gpu/limit` naming the kernel, the operand and both sizes
 */
export function checkBinding(
  kernel: string,
  operand: { readonly name: string; readonly count: number; readonly dtype: DType },
  traits: DeviceTraits,
): void {
  const { name, count, dtype } = operand;
  const bytes = count * BYTES_PER_ELEMENT[dtype];
  if (count <= 0xffffffff && bytes <= traits.maxBindingBytes) return;
  throw new GpuError(
    'gpu/limit',
    `${kernel}: ${name} takes ${bytes} bytes; one binding of this device holds ${traits.maxBindingBytes}.`,
    { kernel, operand: name, bytes, limit: traits.maxBindingBytes },
  );
}

/**
 * Checks a count of workgroups in one unfolded grid dimension.
 * @throws GpuError `gpu/limit` when there are more than any device runs
 */
export function checkGrid(kernel: string, count: number): number {
  if (count > MAX_GRID_DIMENSION) {
    throw new GpuError(
      'gpu/limit',
      `${kernel}: ${count} workgroups in one dimension; at most ${MAX_GRID_DIMENSION} can run.`,
      { kernel, count },
    );
  }
  return count;
}

/** Invocations of an element-wise kernel per workgroup. */
export const ELEMENTWISE_WORKGROUP = 64;

/** Grid of a kernel with one invocation per element, `ELEMENTWISE_WORKGROUP` per group, folded. */
export function elementGrid(elements: number): [number, number, number] {
  return foldGrid(Math.ceil(elements / ELEMENTWISE_WORKGROUP));
}

/** How a kernel that reduces rows is spread over invocations, as text parameters of its shader. */
export interface RowLayout {
  /** Invocations per row; more than one meet at barriers. */
  readonly WG: number;
  /** Rows per workgroup; one unless WG is 1. */
  readonly ROWS: number;
  /** How workgroup variables are read uniformly. */
  readonly LOAD: string;
}

/**
 * Layout for rows of `cols` elements. Software adapters pay microseconds for a barrier and nothing for idle lanes, so a
 * row is one invocation there and four rows fill a quad; hardware gets enough invocations to cover the row.
 */
export function rowLayout(cols: number, traits: DeviceTraits): RowLayout {
  if (traits.software) return { WG: 1, ROWS: 4, LOAD: '*' };
  return {
    WG: cols <= 512 ? 64 : Math.min(256, traits.maxInvocations),
    ROWS: 1,
    LOAD: 'workgroupUniformLoad',
  };
}

/** Grid of a kernel with this layout, folded. */
export function rowGrid(rows: number, layout: RowLayout): [number, number, number] {
  return foldGrid(Math.ceil(rows / layout.ROWS));
}
