// Gathers rows by index, and scatters them back for the gradient. Rows must be distinct, as the scatter does not
// accumulate; an absent row (NO_ROW) gathers zeros and scatters nothing.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { elementwise } from './elementwise';
import { orMore, reads, shaderCall, writes } from './shader';

/** Index of a row that does not exist. */
export const NO_ROW = 0xffffffff;

/** `rows` indices into a matrix of `cols` columns. */
export interface RowsOptions {
  readonly rows: number;
  readonly cols: number;
}

function move(
  scatter: boolean,
  o: RowsOptions & { readonly total?: number },
  traits: DeviceTraits,
): KernelCall {
  const { rows, cols, total } = o;
  checkDimensions(scatter ? 'scatterRows' : 'gatherRows', { rows, cols });
  const index = reads('index', rows, 'u32');
  const operands = scatter
    ? [reads('dy', rows * cols), index, total ? writes('dx', total * cols) : orMore(writes('dx', cols))]
    : [orMore(reads('x', cols)), index, writes('out', rows * cols)];
  return shaderCall(
    {
      stem: 'gather_rows',
      variant: scatter ? 'scatter' : '',
      defines: { SCATTER: scatter },
      operands,
      params: [{ u32: rows }, { u32: cols }],
      grid: elementGrid(rows * cols),
      flops: 0,
      bytes: 4 * (2 * rows * cols + rows),
    },
    traits,
  );
}

/**
 * out[r] = x[index[r]], zeros for NO_ROW. Indices are trusted.
 * Bindings: x f32[*, cols], index u32[rows], out f32[rows, cols] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function gatherRows(o: RowsOptions, traits: DeviceTraits): KernelCall {
  return move(false, o, traits);
}

/**
 * out[index[r]] = x[r] for distinct indices; other rows of `out` keep their contents, and NO_ROW goes nowhere.
 * Bindings: x f32[rows, cols], index u32[rows], out f32[*, cols] (read_write). Indices are trusted.
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function placeRows(o: RowsOptions, traits: DeviceTraits): KernelCall {
  return move(true, o, traits);
}

/** A call of `scatterRows` and what to bind, by role. */
export interface ScatterStep {
  readonly call: KernelCall;
  readonly operands: readonly ('dy' | 'index' | 'dx')[];
}

/**
 * The gradient of a gather: dx = 0, then dx[index[r]] = dy[r] for distinct indices. Two calls, in order.
 * Roles: dy f32[rows, cols], index u32[rows], dx f32[total, cols] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function scatterRows(
  o: RowsOptions & { readonly total: number },
  traits: DeviceTraits,
): readonly ScatterStep[] {
  checkDimensions('scatterRows', { total: o.total });
  const clear = elementwise({ kind: 'fill', count: o.total * o.cols, scale: 0 }, traits);
  return [
    { call: clear, operands: ['dx'] },
    { call: move(true, o, traits), operands: ['dy', 'index', 'dx'] },
  ];
}
