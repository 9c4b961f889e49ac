// Builds the calls of RMSNorm and LayerNorm, which share how rows are spread over invocations and the form of their
// gradients; the wrappers add what differs.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall, OperandSpec } from '../gpu/kernel';
import { rowGrid, rowLayout } from './check';
import { reads, type ShaderCall, shaderCall, writes } from './shader';

/** A matrix that is normalised row by row. */
export interface NormRows {
  readonly rows: number;
  readonly cols: number;
}

/**
 * A call with one row per workgroup or invocation, as the device likes it.
 * @param parts `suffix` tells variants apart besides the layout
 */
export function normCall(
  { suffix, defines, ...parts }: Omit<ShaderCall, 'grid' | 'variant'> & { readonly suffix: string },
  { rows, cols }: NormRows,
  traits: DeviceTraits,
): KernelCall {
  const layout = rowLayout(cols, traits);
  const spread = { variant: `${layout.WG}${suffix}`, defines: { ...layout, ...defines } };
  return shaderCall({ ...parts, ...spread, grid: rowGrid(rows, layout) }, traits);
}

/**
 * dx (= or += with `accumulate`) from x, w, the statistics that forward saved, and dy.
 * @param flops per element
 */
export function normBackward(
  stem: string,
  { rows, cols, accumulate = false }: NormRows & { readonly accumulate?: boolean },
  stats: OperandSpec,
  flops: number,
  traits: DeviceTraits,
): KernelCall {
  const count = rows * cols;
  return normCall(
    {
      stem,
      suffix: accumulate ? '_add' : '',
      defines: { ACCUMULATE: accumulate },
      operands: [reads('x', count), reads('w', cols), stats, reads('dy', count), writes('dx', count)],
      params: [{ u32: rows }, { u32: cols }],
      flops: flops * count,
      bytes: 4 * ((accumulate ? 4 : 3) * count + cols),
    },
    { rows, cols },
    traits,
  );
}
