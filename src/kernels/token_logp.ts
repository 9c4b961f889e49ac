// Label log-probabilities from logits that arrive in chunks of the vocabulary, and their gradient per chunk.
// The matrix product that makes the logits is GEMM's; src/tensor/ops/token_logp.ts joins the two.
// Invariant: one chunk or many give the same numbers up to rounding, and each way repeats bit for bit.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { ArgumentError } from '../lib/errors';
import { checkBinding, checkDimensions, elementGrid, rowGrid, rowLayout } from './check';
import { shaderKernel } from './shader';

/** A chunk of logits: ids first … first + cols − 1 of every row. */
export interface TokenLogpOptions {
  readonly rows: number;
  readonly cols: number;
  readonly first: number;
  /** Logits are divided by it; default 1. */
  readonly temperature?: number;
}

function pack(name: string, o: TokenLogpOptions, traits: DeviceTraits): Uint32Array {
  const { rows, cols, first, temperature = 1 } = o;
  checkDimensions(name, { rows, cols });
  checkBinding(name, 'logits', rows * cols, traits);
  if (!(temperature > 0))
    throw new ArgumentError(`${name}: temperature is ${temperature}; it must be positive.`);
  return packParams([{ u32: rows }, { u32: cols }, { u32: first }, { f32: 1 / temperature }]);
}

/**
 * Merges a chunk into the running state; the last chunk also writes the results.
 * Bindings: logits f32[rows, cols], labels i32[rows] (negative: ignored), state f32[rows, 5] (read_write); with
 * `last` also logp f32[rows], lse f32[rows], entropy f32[rows] (nats), argmax u32[rows] (all read_write).
 * @throws ShapeError for an empty chunk or one that exceeds a binding
 */
export function tokenLogp(
  o: TokenLogpOptions & { readonly last: boolean },
  traits: DeviceTraits,
): KernelCall {
  const params = pack('tokenLogp', o, traits);
  const layout = rowLayout(o.cols, traits);
  const defines = { ...layout, FIRST: o.first === 0, LAST: o.last };
  const variant = `${layout.WG}${o.first === 0 ? '_first' : ''}${o.last ? '_last' : ''}`;
  const results = o.last ? (['read_write', 'read_write', 'read_write', 'read_write'] as const) : [];
  return {
    kernel: shaderKernel('token_logp', variant, defines, ['read', 'read', 'read_write', ...results]),
    params,
    grid: rowGrid(o.rows, layout),
    flops: 12 * o.rows * o.cols,
    bytes: 4 * o.rows * (o.cols + 10),
  };
}

/**
 * d_logits of a chunk, in place of its logits.
 * Bindings: labels i32[rows], lse f32[rows] (of all chunks), dlogp f32[rows], logits f32[rows, cols] (read_write).
 */
export function tokenLogpBackward(o: TokenLogpOptions, traits: DeviceTraits): KernelCall {
  return {
    kernel: shaderKernel('token_logp_backward', '', {}, ['read', 'read', 'read', 'read_write']),
    params: pack('tokenLogpBackward', o, traits),
    grid: elementGrid(o.rows * o.cols),
    flops: 8 * o.rows * o.cols,
    bytes: 8 * o.rows * o.cols,
  };
}
