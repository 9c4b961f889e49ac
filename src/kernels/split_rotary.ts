// Splits the fused q, k, v projection and applies rotary embedding in the same pass; forward, backward, and the decode
// form that writes k and v straight into the cache. Not the tables: cos and sin are computed on the CPU.
// Invariant: rotate_half pairing (j, j + HS/2), as in Hugging Face.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { checkBinding, checkDimensions, elementGrid } from './check';
import { shaderKernel } from './shader';

/** Shape of a fused projection of `tokens` rows with (heads + 2 kvHeads) heads of headSize. */
export interface SplitRotaryOptions {
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Floats from one head to the next in q, k, v and the caches, headSize by default; zeros past headSize. */
  readonly headStride?: number | undefined;
}

/** Shape of the decode form: one new token for each of `batch` sequences. */
export interface SplitRotaryAppendOptions extends Omit<SplitRotaryOptions, 'tokens'> {
  readonly batch: number;
  /** Keys that fit one cache slot. */
  readonly capacity: number;
}

function strideOf(o: Pick<SplitRotaryOptions, 'headSize' | 'headStride'>): number {
  return o.headStride ?? o.headSize;
}

function check(name: string, o: SplitRotaryOptions, traits: DeviceTraits): number {
  const { tokens, heads, kvHeads, headSize } = o;
  checkDimensions(name, { tokens, heads, kvHeads, headSize });
  if (headSize % 2)
    throw new ShapeError(`${name}: headSize is ${headSize}; rotary embedding needs an even one.`);
  if (strideOf(o) < headSize)
    throw new ShapeError(`${name}: headStride is ${strideOf(o)}, less than headSize, ${headSize}.`);
  const elements = tokens * (heads + 2 * kvHeads) * headSize;
  checkBinding(name, 'qkv', elements, traits);
  checkBinding(name, 'q', tokens * heads * strideOf(o), traits);
  return elements;
}

function dimensions(o: SplitRotaryOptions) {
  const { tokens, heads, kvHeads, headSize } = o;
  return [tokens, heads, kvHeads, headSize / 2, strideOf(o)].map((u32) => ({ u32 }));
}

/**
 * q, k rotated and v copied out of the fused projection.
 * Bindings: qkv f32[tokens, (heads + 2 kvHeads) * headSize], cos f32[P, headSize/2], sin f32[P, headSize/2],
 * rows u32[tokens] (table row of each token), q f32[tokens, heads, headStride], k and v f32[tokens, kvHeads, headStride].
 * @throws ShapeError for an odd headSize, an empty shape, or one that exceeds a binding
 */
export function splitRotary(o: SplitRotaryOptions, traits: DeviceTraits): KernelCall {
  const elements = check('splitRotary', o, traits);
  return {
    kernel: shaderKernel('split_rotary', '', { APPEND: false }, [
      'read',
      'read',
      'read',
      'read',
      'read_write',
      'read_write',
      'read_write',
    ]),
    params: packParams([...dimensions(o), { u32: 0 }]),
    grid: elementGrid(elements / 2),
    flops: 3 * elements,
    bytes: 4 * 2 * elements,
  };
}

/**
 * The decode form of `splitRotary`: k and v go to cache cell [slot, head, length] of their sequence.
 * Bindings: qkv f32[batch, (heads + 2 kvHeads) * headSize], cos f32[P, headSize/2], sin f32[P, headSize/2],
 * sequences u32[batch, 8] (word 0 slot, 1 key index, 4 table row, 6 done), q f32[batch, heads, headStride],
 * kCache and vCache f32[slots, kvHeads, capacity, headStride] (read_write, other cells untouched).
 * A finished sequence, or a full slot, stores nothing in the caches.
 */
export function splitRotaryAppend(o: SplitRotaryAppendOptions, traits: DeviceTraits): KernelCall {
  const shape = { ...o, tokens: o.batch };
  const elements = check('splitRotaryAppend', shape, traits);
  checkDimensions('splitRotaryAppend', { capacity: o.capacity });
  checkBinding('splitRotaryAppend', 'one cache slot', o.kvHeads * o.capacity * strideOf(o), traits);
  return {
    kernel: shaderKernel('split_rotary', 'append', { APPEND: true }, [
      'read',
      'read',
      'read',
      'read',
      'read_write',
      'read_write',
      'read_write',
    ]),
    params: packParams([...dimensions(shape), { u32: o.capacity }]),
    grid: elementGrid(elements / 2),
    flops: 3 * elements,
    bytes: 4 * 2 * elements,
  };
}

/**
 * dqkv from dq, dk, dv: the inverse rotation, and the copy back.
 * Bindings: dq f32[tokens, heads, headStride], dk and dv f32[tokens, kvHeads, headStride], cos, sin, rows as in
 * `splitRotary`, dqkv f32[tokens, (heads + 2 kvHeads) * headSize] (read_write).
 */
export function splitRotaryBackward(o: SplitRotaryOptions, traits: DeviceTraits): KernelCall {
  const elements = check('splitRotaryBackward', o, traits);
  return {
    kernel: shaderKernel('split_rotary_backward', '', {}, [
      'read',
      'read',
      'read',
      'read',
      'read',
      'read',
      'read_write',
    ]),
    params: packParams(dimensions(o)),
    grid: elementGrid(elements / 2),
    flops: 3 * elements,
    bytes: 4 * 2 * elements,
  };
}
