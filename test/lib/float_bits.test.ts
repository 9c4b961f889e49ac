// Exhaustive over the 16-bit patterns: widening is exact, narrowing rounds to nearest even.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/lib/float_bits';

/** Value of an f16 bit pattern by its definition. */
function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Nearest of all finite and infinite patterns by distance, ties to the even pattern: slow and obvious. */
function nearest(value: number, values: Float32Array, overflow: number): number {
  if (Math.abs(value) >= overflow) return value > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  let best = 0;
  for (let bits = 0; bits < values.length; bits++) {
    const distance = Math.abs((values[bits] as number) - value);
    const leader = Math.abs((values[best] as number) - value);
    if (distance < leader || (distance === leader && bits % 2 === 0 && best % 2 === 1)) best = bits;
  }
  return values[best] as number;
}

const ALL = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe('float bits', () => {
  it('widens every f16 and bf16 pattern exactly', () => {
    const half = f16ToF32(ALL);
    const brain = bf16ToF32(ALL);
    const view = new DataView(new ArrayBuffer(4));
    for (let bits = 0; bits < 65536; bits++) {
      if (!Object.is(half[bits], f16Value(bits))) throw new Error(`f16 ${bits}: ${half[bits]}`);
      view.setUint32(0, bits * 65536);
      if (!Object.is(brain[bits], view.getFloat32(0))) throw new Error(`bf16 ${bits}: ${brain[bits]}`);
    }
  });

  it('narrows every representable value to itself', () => {
    const halfBack = f32ToF16(f16ToF32(ALL));
    const brainBack = f32ToBf16(bf16ToF32(ALL));
    for (let bits = 0; bits < 65536; bits++) {
      const isNan16 = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
      const isNanB = (bits & 0x7f80) === 0x7f80 && (bits & 0x7f) !== 0;
      if (!isNan16 && halfBack[bits] !== bits) throw new Error(`f16 ${bits} became ${halfBack[bits]}`);
      if (!isNanB && brainBack[bits] !== bits) throw new Error(`bf16 ${bits} became ${brainBack[bits]}`);
      if (isNan16) expect((halfBack[bits] as number) & 0x7e00).toBe(0x7e00);
      if (isNanB) expect((brainBack[bits] as number) & 0x7fc0).toBe(0x7fc0);
    }
  });

  it('rounds to nearest, ties to even', () => {
    const finite = f16ToF32(ALL.filter((bits) => (bits & 0x7fff) < 0x7c00));
    const near = fc.oneof(
      fc.float({ noNaN: true, min: -70000, max: 70000 }),
      fc.float({ noNaN: true, min: Math.fround(-1e-4), max: Math.fround(1e-4) }),
      fc.integer({ min: 0, max: 0x7bfe }).map((bits) => (f16Value(bits) + f16Value(bits + 1)) / 2),
    );
    fc.assert(
      fc.property(near, (value) => {
        const rounded = f16ToF32(f32ToF16(Float32Array.of(value)))[0] as number;
        // 65520 is half way between the largest finite f16 and the next power of two.
        expect(Math.abs(rounded)).toBe(Math.abs(nearest(Math.fround(value), finite, 65520)));
      }),
      { numRuns: 200 },
    );
  });

  it('keeps ties, overflow and signs in bf16', () => {
    const word = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0] as number;
    const values = Float32Array.of(
      word(0x3f808000),
      word(0x3f818000),
      word(0x7f7fffff),
      -0,
      word(0x3f808001),
    );
    expect([...f32ToBf16(values)]).toEqual([0x3f80, 0x3f82, 0x7f80, 0x8000, 0x3f81]);
  });
});
