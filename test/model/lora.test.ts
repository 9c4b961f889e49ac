// Adapters on the host: an arena is cut as LoraAdapter lays it out, and one of another layout is refused.

import { describe, expect, it } from 'vitest';
import { loraWeightsOf } from '../../src/model/lora';

// A of the first: 3 × 7 = 21 elements in 64; B: 5 × 3 = 15 in 64; of the second 3 × 64 = 192 in 192, 1 × 3 in 64.
const MODULES = [
  { module: 'a', shape: [5, 7] },
  { module: 'b', shape: [1, 64] },
] as const;

describe('loraWeightsOf', () => {
  it('cuts factors at 256-byte boundaries', () => {
    const arena = Float32Array.from({ length: 64 + 64 + 192 + 64 }, (_, index) => index);
    const [first, second] = loraWeightsOf(arena, { r: 3 }, MODULES);
    expect(first?.a).toEqual(arena.slice(0, 21));
    expect(first?.b).toEqual(arena.slice(64, 79));
    expect(second?.a).toEqual(arena.slice(128, 320));
    expect(second?.b).toEqual(arena.slice(320, 323));
    expect(second?.module).toBe('b');
  });

  it.each([383, 385, 320, 0])('refuses an arena of %d elements', (length) => {
    expect(() => loraWeightsOf(new Float32Array(length), { r: 3 }, MODULES)).toThrow(/holds .* values/);
  });
});
