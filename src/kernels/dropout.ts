// Zeroes elements by counter-based random numbers and scales up the rest. The mask depends on draw, stream and
// element index alone, so that a recomputed forward pass and the reverse drop the same elements, and new words in
// `draw` give a new mask without tracing again.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/** u32 words of the draw buffer: seed (low, high), step, part of the step. */
export const DROPOUT_DRAW_WORDS = 4;

const STREAMS = 2 ** 31;

/** What is dropped, and by which stream of numbers. */
export interface DropoutOptions {
  readonly count: number;
  /** Probability of dropping, from 0 to below 1; rounded to a multiple of 2^-32. */
  readonly p: number;
  /** Number of the place that drops, below 2^31: masks of different streams are independent. */
  readonly stream: number;
  /** Elements of a larger tensor before x, a multiple of 4: parts then get the mask of the whole. Default 0. */
  readonly first?: number;
}

/**
 * y = kept ? x / (1 - p) : 0; the reverse is the same call on dy.
 * Bindings: x f32[count], draw u32[4], y f32[count] (read_write).
 * @throws ShapeError for an empty shape, one that exceeds a binding, or p or stream out of range
 */
export function dropout({ count, p, stream, first = 0 }: DropoutOptions, traits: DeviceTraits): KernelCall {
  checkDimensions('dropout', { count });
  if (!(p >= 0 && p < 1)) throw new ShapeError(`dropout: p is ${p}; it must lie from 0 to below 1.`, { p });
  if (!Number.isInteger(stream) || stream < 0 || stream >= STREAMS)
    throw new ShapeError(`dropout: stream is ${stream}; it must be a whole number below 2^31.`, { stream });
  if (first % 4 !== 0)
    throw new ShapeError(`dropout: a part begins at ${first}; that must be a multiple of 4.`);
  const wide = count % 4 === 0;
  const threshold = Math.min(2 ** 32 - 1, Math.round(p * 2 ** 32));
  return shaderCall(
    {
      stem: 'dropout',
      variant: wide ? 'vec4' : '',
      defines: { WIDE: wide },
      operands: [reads('x', count), reads('draw', DROPOUT_DRAW_WORDS, 'u32'), writes('y', count)],
      params: [{ u32: count }, { u32: threshold }, { u32: stream }, { f32: 1 / (1 - p) }, { u32: first / 4 }],
      grid: elementGrid(Math.ceil(count / 4)),
      // Ten rounds of about twenty integer operations for four elements.
      flops: 50 * count,
      bytes: 8 * count,
    },
    traits,
  );
}
