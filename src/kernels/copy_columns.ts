// Copies a block of columns from one matrix into another, scaled: heads into wider ones, and the narrow side of a LoRA update
// times its strength. Columns outside the block are never written.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/** A block of `cols` columns in a source and in a target. */
export interface CopyColumnsOptions {
  readonly rows: number;
  readonly cols: number;
  readonly sourceCols: number;
  readonly sourceFirst: number;
  readonly targetCols: number;
  readonly targetFirst: number;
  /** Constant factor; default 1. */
  readonly scale?: number;
}

/**
 * target[:, targetFirst + c] = scale · factor · source[:, sourceFirst + c].
 * Bindings: source f32[rows, sourceCols], factor f32[1], target f32[rows, targetCols] (read_write).
 * @throws ShapeError when the block does not lie inside both matrices
 */
export function copyColumns(o: CopyColumnsOptions, traits: DeviceTraits): KernelCall {
  const { rows, cols, sourceCols, sourceFirst, targetCols, targetFirst, scale = 1 } = o;
  checkDimensions('copyColumns', { rows, cols, sourceCols, targetCols });
  if (
    sourceFirst < 0 ||
    targetFirst < 0 ||
    sourceFirst + cols > sourceCols ||
    targetFirst + cols > targetCols
  ) {
    throw new ShapeError(
      `copyColumns: ${cols} columns from ${sourceFirst} of ${sourceCols} to ${targetFirst} of ${targetCols} do not fit.`,
    );
  }
  return shaderCall(
    {
      stem: 'copy_columns',
      operands: [reads('source', rows * sourceCols), reads('factor', 1), writes('target', rows * targetCols)],
      params: [
        { u32: rows },
        { u32: cols },
        { u32: sourceCols },
        { u32: sourceFirst },
        { u32: targetCols },
        { u32: targetFirst },
        { f32: scale },
      ],
      grid: elementGrid(rows * cols),
      flops: 2 * rows * cols,
      bytes: 8 * rows * cols,
    },
    traits,
  );
}
