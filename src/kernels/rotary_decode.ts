// States what the decode attentions have in common that rotate the newest query and key themselves and append to the cache
// (split_decode_attention.ts, quad_decode_attention.ts): their sizes, the checks of these, and their first operands.

import type { OperandSpec } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { checkHeads, checkPositive } from './attention_shape';
import { cacheOperand, checkCache } from './cache_shape';
import type { DecodeAttentionOptions } from './decode_attention';
import { SEQUENCE_WORDS } from './sequence_words';
import { orMore, readingBeside, reads, touching } from './shader';

/** Sizes of a call; `headSize` is that of the projection. */
export interface RotaryDecodeOptions extends DecodeAttentionOptions {
  /** Floats from one head to the next in the caches and `out`, a multiple of 4; default headSize. Zeros lie past headSize. */
  readonly headStride?: number | undefined;
}

/** Floats from one head to the next. */
export function strideOf({ headStride, headSize }: RotaryDecodeOptions): number {
  return headStride ?? headSize;
}

/** @throws ShapeError naming the kernel and the size that cannot be */
export function checkRotaryDecode(kernel: string, o: RotaryDecodeOptions): void {
  const { batch, headSize, cache } = o;
  const stride = strideOf(o);
  checkHeads(kernel, { ...o, headSize: stride });
  checkPositive(kernel, { batch, headSize });
  checkCache(kernel, cache);
  if (headSize % 2)
    throw new ShapeError(`${kernel}: headSize is ${headSize}; rotary embedding needs an even one.`);
  if (stride < headSize)
    throw new ShapeError(`${kernel}: headStride is ${stride}, less than headSize, ${headSize}.`);
}

/** qkv, kCache, vCache, sequences, cos and sin, at bindings 0 to 5. */
export function rotaryDecodeOperands(o: RotaryDecodeOptions): OperandSpec[] {
  const { batch, heads, kvHeads, headSize, cache } = o;
  const stride = strideOf(o);
  const cached = (name: string): OperandSpec => {
    const operand = cacheOperand(name, 'read_write', cache, { kvHeads, headSize: stride });
    return readingBeside(touching(operand, batch * kvHeads * stride), operand.count);
  };
  return [
    reads('qkv', batch * (heads + 2 * kvHeads) * headSize),
    cached('kCache'),
    cached('vCache'),
    reads('sequences', SEQUENCE_WORDS * batch, 'u32'),
    orMore(reads('cos', headSize / 2)),
    orMore(reads('sin', headSize / 2)),
  ];
}
