// RMSNorm of query and key heads in f64, forward and backward, head by head with the reference of RMSNorm.
import { rmsNormBackwardReference, rmsNormReference } from './rms_norm';

/** Heads of a fused projection. */
export interface HeadNormShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly eps: number;
}

/** The weight of the head at an index of all heads; null for a value. */
function weightOf(
  head: number,
  { heads, kvHeads }: HeadNormShape,
  qWeight: ArrayLike<number>,
  kWeight: ArrayLike<number>,
): ArrayLike<number> | null {
  const slot = head % (heads + 2 * kvHeads);
  if (slot < heads) return qWeight;
  return slot < heads + kvHeads ? kWeight : null;
}

/** Every head of qkv [T, heads · size] through `map`, which gets null for values. */
function byHead(
  qkv: ArrayLike<number>,
  size: number,
  map: (head: Float64Array, index: number) => ArrayLike<number>,
): Float64Array {
  const all = Float64Array.from(qkv);
  const out = new Float64Array(all.length);
  for (let index = 0; index * size < all.length; index++)
    out.set(Float64Array.from(map(all.slice(index * size, (index + 1) * size), index)), index * size);
  return out;
}

/** Queries and keys normalised per head, values copied; qkv [T, (heads + 2 kvHeads) · headSize]. */
export function headNormReference(
  qkv: ArrayLike<number>,
  qWeight: ArrayLike<number>,
  kWeight: ArrayLike<number>,
  shape: HeadNormShape,
): Float64Array {
  return byHead(qkv, shape.headSize, (head, index) => {
    const weight = weightOf(index, shape, qWeight, kWeight);
    return weight ? rmsNormReference(head, weight, shape.eps).y : head;
  });
}

/** dqkv given dy. */
export function headNormBackwardReference(
  qkv: ArrayLike<number>,
  qWeight: ArrayLike<number>,
  kWeight: ArrayLike<number>,
  shape: HeadNormShape,
  dy: ArrayLike<number>,
): Float64Array {
  const size = shape.headSize;
  const gradients = Float64Array.from(dy);
  return byHead(qkv, size, (head, index) => {
    const weight = weightOf(index, shape, qWeight, kWeight);
    const own = gradients.slice(index * size, (index + 1) * size);
    return weight ? rmsNormBackwardReference(head, weight, shape.eps, own).dx : own;
  });
}
