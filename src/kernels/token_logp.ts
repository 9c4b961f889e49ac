// Computes label log-probabilities from logits that arrive in chunks of the vocabulary, and their gradient per chunk.
// One chunk or many give the same numbers up to rounding, and each way repeats bit for bit. GEMM makes the logits;
// src/tensor/ops/token_logp.ts joins the two.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall, ParamValue } from '../gpu/kernel';
import { ArgumentError } from '../lib/errors';
import { checkDimensions, elementGrid, rowGrid, rowLayout } from './check';
import { reads, shaderCall, writes } from './shader';

/** A chunk of logits: ids first … first + cols − 1 of every row. */
export interface TokenLogpOptions {
  readonly rows: number;
  readonly cols: number;
  readonly first: number;
  /** Logits are divided by it; default 1. */
  readonly temperature?: number;
}

function pack(name: string, o: TokenLogpOptions): ParamValue[] {
  const { rows, cols, first, temperature = 1 } = o;
  checkDimensions(name, { rows, cols });
  if (!(temperature > 0))
    throw new ArgumentError(`${name}: temperature is ${temperature}; it must be positive.`);
  return [{ u32: rows }, { u32: cols }, { u32: first }, { f32: 1 / temperature }];
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
  const { rows, cols, first, last } = o;
  const params = pack('tokenLogp', o);
  const layout = rowLayout(cols, traits);
  const results = [
    writes('logp', rows),
    writes('lse', rows),
    writes('entropy', rows),
    writes('argmax', rows, 'u32'),
  ];
  return shaderCall(
    {
      stem: 'token_logp',
      variant: `${layout.WG}${first === 0 ? '_first' : ''}${last ? '_last' : ''}`,
      defines: { ...layout, FIRST: first === 0, LAST: last },
      operands: [
        reads('logits', rows * cols),
        reads('labels', rows, 'i32'),
        writes('state', 5 * rows),
        ...(last ? results : []),
      ],
      params,
      grid: rowGrid(rows, layout),
      flops: 12 * rows * cols,
      bytes: 4 * rows * (cols + 10),
    },
    traits,
  );
}

/**
 * d_logits of a chunk, in place of its logits.
 * Bindings: labels i32[rows], lse f32[rows] (of all chunks), dlogp f32[rows], logits f32[rows, cols] (read_write).
 */
export function tokenLogpBackward(o: TokenLogpOptions, traits: DeviceTraits): KernelCall {
  const { rows, cols } = o;
  return shaderCall(
    {
      stem: 'token_logp_backward',
      operands: [
        reads('labels', rows, 'i32'),
        reads('lse', rows),
        reads('dlogp', rows),
        writes('logits', rows * cols),
      ],
      params: pack('tokenLogpBackward', o),
      grid: elementGrid(rows * cols),
      flops: 8 * rows * cols,
      bytes: 8 * rows * cols,
    },
    traits,
  );
}
