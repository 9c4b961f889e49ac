// The choice of GEMM variants is always legal, and is what the measurements in docs/kernels/gemm.md say.

import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import type { GemmOptions } from '../../src/kernels/gemm';
import { legalVariants, registerTile, selectVariant } from '../../src/kernels/gemm_select';
import { LEAST_TRAITS } from '../harness/device_traits';

const PLAIN_SOFTWARE: DeviceTraits = { ...LEAST_TRAITS, software: true };
const SWIFTSHADER: DeviceTraits = { ...PLAIN_SOFTWARE, subgroups: true };

const product = (m: number, n: number, k: number, mode: GemmOptions['mode'] = 'nt'): GemmOptions => ({
  m,
  n,
  k,
  mode,
  weight: 'f32',
});

describe('selectVariant', () => {
  it('chooses a legal variant for every size, mode and device', () => {
    for (const traits of [LEAST_TRAITS, PLAIN_SOFTWARE, SWIFTSHADER]) {
      for (const mode of ['nn', 'nt', 'tn'] as const) {
        for (const m of [1, 2, 3, 4, 5, 8, 9, 64, 1000]) {
          for (const n of [1, 8, 9, 896, 5000]) {
            const o = product(m, n, 64, mode);
            expect(legalVariants(o, traits), `${mode} ${m}x${n}`).toContain(selectVariant(o, traits));
          }
        }
      }
    }
  });

  it('leaves quads aside where B is quantised along N', () => {
    for (const weight of ['int8', 'int4'] as const) {
      const o = { ...product(64, 896, 896, 'nn'), weight };
      expect(legalVariants(o, SWIFTSHADER).filter((name) => name.startsWith('quad'))).toEqual([]);
      expect(selectVariant(o, SWIFTSHADER)).toBe('direct_4x4_8x8');
      expect(selectVariant({ ...o, m: 1 }, SWIFTSHADER)).toBe('direct_1x4_32x1');
      expect(selectVariant({ ...o, mode: 'nt' }, SWIFTSHADER)).toBe('quad_8x4_4x1');
    }
  });

  it('never uses quads without subgroups, nor on hardware', () => {
    for (const traits of [LEAST_TRAITS, PLAIN_SOFTWARE, { ...LEAST_TRAITS, subgroups: true }]) {
      expect(legalVariants(product(1, 8, 8), traits).filter((name) => name.startsWith('quad'))).toEqual([]);
    }
  });

  it('runs single rows by the matrix-vector kernel on hardware and by wide tiles on software', () => {
    expect(selectVariant(product(1, 896, 896), LEAST_TRAITS)).toBe('gemv');
    expect(selectVariant(product(1, 896, 896), SWIFTSHADER)).toBe('quad_1x8_4x1');
    expect(selectVariant(product(1, 896, 896, 'tn'), SWIFTSHADER)).toBe('quad_8x4_4x1');
    expect(selectVariant(product(512, 8, 512), SWIFTSHADER)).toBe('quad_16x2_4x1');
  });

  it('takes wide tiles of quads for quantised weights and gradients that outlast their compiling', () => {
    const wide = 'quad_16x8_4x1';
    const packed = (m: number): GemmOptions => ({ ...product(m, 5632, 768), weight: 'int4' });
    expect(selectVariant(packed(64), SWIFTSHADER)).toBe(wide);
    expect(selectVariant(product(512, 768, 5632, 'nn'), SWIFTSHADER)).toBe(wide);
    for (const o of [
      packed(48),
      product(512, 5632, 768),
      product(512, 5632, 768, 'tn'),
      product(64, 768, 768, 'nn'),
    ])
      expect(selectVariant(o, SWIFTSHADER)).toBe('quad_8x4_4x1');
  });

  it('takes large workgroup tiles only when enough of them keep a GPU busy', () => {
    expect(selectVariant(product(2048, 2048, 64), LEAST_TRAITS)).toBe('tiled_64');
    expect(selectVariant(product(100, 100, 64), LEAST_TRAITS)).toBe('tiled_32');
  });
});

describe('a disabled variant', () => {
  it('is replaced by another legal one', () => {
    const o = product(64, 64, 64);
    const best = selectVariant(o, SWIFTSHADER);
    const next = selectVariant(o, { ...SWIFTSHADER, disabledVariants: new Set([`gemm/${best}`]) });
    expect(next).not.toBe(best);
    expect(legalVariants(o, SWIFTSHADER)).toContain(next);
  });
});

describe('registerTile', () => {
  it('reads the tile from a name and ignores other names', () => {
    expect(registerTile('quad_16x2_4x1')).toEqual({
      family: 'quad',
      rows: 16,
      columns: 2,
      threadsX: 4,
      threadsY: 1,
    });
    expect(registerTile('direct_4x4_8x8')?.family).toBe('direct');
    expect(registerTile('tiled_32')).toBeUndefined();
    expect(registerTile('gemv')).toBeUndefined();
  });
});
