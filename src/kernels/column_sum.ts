// Sums the columns of a matrix: gradients of biases and of the norms' weights. Rows are added in order within a
// chunk, so the result is the same on every run.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, checkGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/** What is summed: dy itself, or its product with a norm's normalised input. */
export type ColumnTerm = 'plain' | 'rms' | 'layer';

/**
 * out[chunk, c] (= or += with `accumulate`) the sum over `chunk` rows (default: all) of the term.
 * A long sum takes two calls: chunks of about sqrt(rows) into partials, then the partials with `rows = chunks`.
 * Bindings: dy [rows, cols], for `rms` and `layer` also x [rows, cols] and stats ([rows] rstd, or [rows, 2] mean and
 * rstd), out [ceil(rows / chunk), cols] (read_write).
 */
export function columnSum(
  o: {
    readonly rows: number;
    readonly cols: number;
    readonly chunk?: number;
    readonly accumulate?: boolean;
    readonly term?: ColumnTerm;
  },
  traits: DeviceTraits,
): KernelCall {
  const { rows, cols, term = 'plain', accumulate = false } = o;
  const chunk = Math.min(o.chunk ?? rows, rows);
  checkDimensions('columnSum', { rows, cols, chunk });
  const chunks = Math.ceil(rows / chunk);
  const normalised =
    term === 'plain' ? [] : [reads('x', rows * cols), reads('stats', term === 'rms' ? rows : 2 * rows)];
  return shaderCall(
    {
      stem: 'column_sum',
      variant: `${term}${accumulate ? '_add' : ''}`,
      defines: { TERM: term, ACCUMULATE: accumulate },
      operands: [reads('dy', rows * cols), ...normalised, writes('out', chunks * cols)],
      params: [{ u32: rows }, { u32: cols }, { u32: chunk }, { u32: chunks }],
      grid: [checkGrid('columnSum', Math.ceil(cols / 64)), checkGrid('columnSum', chunks), 1],
      flops: (term === 'plain' ? 1 : 3) * rows * cols,
      bytes: 4 * (term === 'plain' ? 1 : 2) * rows * cols + 4 * chunks * cols,
    },
    traits,
  );
}
