// Normalises every query and key head of a fused projection (RMSNorm over the head), forward and backward; values pass
// through. The weights are frozen: there is no gradient for them.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall, OperandSpec } from '../gpu/kernel';
import { checkDimensions } from './check';
import { normCall } from './norm_call';
import { reads, writes } from './shader';

/** Shape of a fused projection of `tokens` rows with (heads + 2 kvHeads) heads of headSize. */
export interface HeadNormOptions {
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Inside the root, added to the mean of squares. */
  readonly eps: number;
}

function headNormCall(
  stem: string,
  o: HeadNormOptions,
  cost: { readonly flops: number; readonly passes: number },
  traits: DeviceTraits,
  operands: (elements: number) => readonly OperandSpec[],
): KernelCall {
  const { tokens, heads, kvHeads, headSize, eps } = o;
  checkDimensions(stem, { tokens, heads, kvHeads, headSize });
  const rows = tokens * (heads + 2 * kvHeads);
  const elements = rows * headSize;
  return normCall(
    {
      stem,
      suffix: '',
      defines: {},
      operands: [
        reads('qkv', elements),
        reads('qWeight', headSize),
        reads('kWeight', headSize),
        ...operands(elements),
      ],
      params: [{ u32: tokens }, { u32: heads }, { u32: kvHeads }, { u32: headSize }, { f32: eps }],
      flops: cost.flops * elements,
      bytes: 4 * cost.passes * elements,
    },
    { rows, cols: headSize },
    traits,
  );
}

/**
 * Queries and keys normalised per head, values copied.
 * Bindings: qkv f32[tokens, (heads + 2 kvHeads) * headSize], qWeight and kWeight f32[headSize], out as qkv (read_write).
 * @throws ShapeError for an empty shape; GpuError `gpu/limit` for one that exceeds a binding
 */
export function headNorm(o: HeadNormOptions, traits: DeviceTraits): KernelCall {
  return headNormCall('head_norm', o, { flops: 5, passes: 3 }, traits, (count) => [writes('out', count)]);
}

/**
 * dqkv of {@link headNorm}.
 * Bindings: qkv, qWeight, kWeight as forward, dy as qkv, dqkv as qkv (read_write).
 */
export function headNormBackward(o: HeadNormOptions, traits: DeviceTraits): KernelCall {
  return headNormCall('head_norm_backward', o, { flops: 12, passes: 6 }, traits, (count) => [
    reads('dy', count),
    writes('dqkv', count),
  ]);
}
