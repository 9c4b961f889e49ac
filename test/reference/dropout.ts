// Dropout, slowly: one Philox block per element, in big integers. Its gradient is the same function of dy.

import { philoxReference } from './sampler';

/** Where a mask comes from: the four words of the draw buffer, and the stream. */
export interface DropoutDraw {
  readonly words: readonly number[];
  readonly stream: number;
}

/** Whether each of `count` elements is kept. */
export function dropoutMask(count: number, p: number, { words, stream }: DropoutDraw): boolean[] {
  const [low = 0, high = 0, step = 0, part = 0] = words;
  return Array.from({ length: count }, (_, element) => {
    const counter = [Math.floor(element / 4), stream + 2 ** 31, step, part];
    return philoxReference(counter, [low, high])[element % 4]! >= Math.round(p * 2 ** 32);
  });
}

/** y = kept ? x / (1 - p) : 0. */
export function dropoutReference(x: ArrayLike<number>, p: number, draw: DropoutDraw): Float64Array {
  const kept = dropoutMask(x.length, p, draw);
  return Float64Array.from(x, (value, element) => (kept[element] ? value / (1 - p) : 0));
}
