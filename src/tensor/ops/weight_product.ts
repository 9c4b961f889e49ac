// Emits the two products of a sharded weight: x Wᵀ, each shard into its columns, and dy W, summed over shards. Both give
// the bits that the weight would give in one shard: the same kernel variant runs, and sums continue from shard to shard.

import { type GemmOptions, gemm, gemmVariant } from '../../kernels/gemm';
import type { Tensor, Trace } from '../trace';
import type { WeightShard } from '../weight';

/** Operands of one shard's product, in binding order. */
type Operands = (planes: readonly Tensor[]) => readonly Tensor[];

/**
 * y[:, rows of the weight] = act(x Wᵀ + bias) + residual.
 * @param shards   rows of a weight, in order; the first row of the first becomes column 0 of y
 * @param columns  columns of y, and of bias and residual
 * @param options  m, k, format and epilogue of the product
 */
export function productByRows(
  trace: Trace,
  shards: readonly WeightShard[],
  columns: number,
  options: Omit<GemmOptions, 'mode' | 'n' | 'cWindow'>,
  operands: Operands,
): void {
  const base = { ...options, mode: 'nt' } as const;
  const variant = gemmVariant({ ...base, n: columns }, trace.traits);
  const origin = shards[0]?.firstRow ?? 0;
  for (const { firstRow, rows, planes } of shards) {
    const cWindow = rows === columns ? undefined : { line: columns, first: firstRow - origin };
    trace.emit(gemm({ ...base, n: rows, cWindow }, trace.traits, variant), operands(planes));
  }
}

/**
 * dx = dy W, or dx += dy W.
 * @param shards  rows of a weight, in order; column 0 of dy belongs to the first row of the first
 * @param columns columns of dy
 * @param options m, n (columns of dx) and format; `accumulate` adds to what dx holds
 */
export function sumOverRows(
  trace: Trace,
  shards: readonly WeightShard[],
  columns: number,
  options: Pick<GemmOptions, 'm' | 'n' | 'weight' | 'accumulate'>,
  operands: Operands,
): void {
  const origin = shards[0]?.firstRow ?? 0;
  shards.forEach(({ firstRow, rows, planes }, index) => {
    const aWindow = rows === columns ? undefined : { line: columns, first: firstRow - origin };
    const accumulate = index > 0 || (options.accumulate ?? false);
    const call = gemm({ ...options, k: rows, mode: 'nn', accumulate, aWindow }, trace.traits);
    trace.emit(call, operands(planes));
  });
}
