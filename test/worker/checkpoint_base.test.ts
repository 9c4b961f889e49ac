// What lies beside a checkpoint: the arena is cut as LoraAdapter lays it out, and profiles tell devices apart.
import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import { countParameters, kernelProfile, weightsOfArena } from '../../src/worker/checkpoint_base';

const config = { r: 3, loraAlpha: 6, loraDropout: 0, useRslora: false, baseModel: '', targetModules: '.*' };
// A of the first: 3 × 7 = 21 elements in 64; B: 5 × 3 = 15 in 64; of the second 3 × 64 = 192 in 192, 1 × 3 in 64.
const modules = [
  { module: 'a', shape: [5, 7] },
  { module: 'b', shape: [1, 64] },
] as const;

describe('weightsOfArena', () => {
  it('cuts factors at 256-byte boundaries', () => {
    const arena = Float32Array.from({ length: 64 + 64 + 192 + 64 }, (_, index) => index);
    const [first, second] = weightsOfArena(arena, { config, modules });
    expect(first?.a).toEqual(arena.slice(0, 21));
    expect(first?.b).toEqual(arena.slice(64, 79));
    expect(second?.a).toEqual(arena.slice(128, 320));
    expect(second?.b).toEqual(arena.slice(320, 323));
    expect(second?.module).toBe('b');
    expect(countParameters({ config, modules })).toBe(3 * 12 + 3 * 65);
  });

  it.each([383, 385, 320])('refuses an arena of %d elements', (length) => {
    expect(() => weightsOfArena(new Float32Array(length), { config, modules })).toThrow(/arena/);
  });
});

describe('kernelProfile', () => {
  const traits = {
    shaderF16: true,
    subgroups: true,
    disabledVariants: new Set(['b', 'a']),
  } as unknown as DeviceTraits;

  it('depends on features and disabled variants, not on their order', () => {
    const other = { ...traits, disabledVariants: new Set(['a', 'b']) };
    expect(kernelProfile(other)).toBe(kernelProfile(traits));
    expect(kernelProfile({ ...traits, disabledVariants: new Set(['a']) })).not.toBe(kernelProfile(traits));
    expect(kernelProfile({ ...traits, subgroups: false })).not.toBe(kernelProfile(traits));
  });
});
