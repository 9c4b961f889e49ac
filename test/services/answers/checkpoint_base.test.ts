// What lies beside a checkpoint: parameters are counted without padding, and profiles tell devices apart.
import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../../src/gpu/device';
import { countParameters, kernelTraits } from '../../../src/services/answers/checkpoint_base';

const config = { r: 3, loraAlpha: 6, loraDropout: 0, useRslora: false, baseModel: '', targetModules: '.*' };
const modules = [
  { module: 'a', shape: [5, 7] },
  { module: 'b', shape: [1, 64] },
] as const;

it('counts the elements of all factors', () => {
  expect(countParameters({ config, modules })).toBe(3 * 12 + 3 * 65);
});

describe('kernelTraits', () => {
  const traits = {
    shaderF16: true,
    subgroups: true,
    disabledVariants: new Set(['b', 'a']),
  } as unknown as DeviceTraits;

  it('depends on features and disabled variants, not on their order', () => {
    const other = { ...traits, disabledVariants: new Set(['a', 'b']) };
    expect(kernelTraits(other)).toBe(kernelTraits(traits));
    expect(kernelTraits({ ...traits, disabledVariants: new Set(['a']) })).not.toBe(kernelTraits(traits));
    expect(kernelTraits({ ...traits, subgroups: false })).not.toBe(kernelTraits(traits));
  });
});
