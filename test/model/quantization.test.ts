// Quantised rows: bounds of the error, what the search gains, hostile values.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrng } from '../../src/lib/prng';
import { dequantiseRows, quantiseRows } from '../../src/model/quantization';
import { decodeQuantised } from '../reference/weight_format';

function normals(count: number, seed: number): Float32Array {
  const prng = createPrng(seed);
  return Float32Array.from({ length: count }, () => prng.normal() * 0.02);
}

function squaredError(values: Float32Array, width: number, choice: 'max' | 'search'): number {
  const back = dequantiseRows(quantiseRows(values, width, 'int4', choice)!, width, 'int4');
  return values.reduce((sum, value, i) => sum + (value - back[i]!) ** 2, 0);
}

describe('quantiseRows', () => {
  it.each(['int8', 'int4'] as const)(
    '%s by the largest magnitude is off by half a step at most',
    (format) => {
      const limit = format === 'int8' ? 127 : 7;
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 70 }),
          fc.integer({ min: 1, max: 3 }),
          fc.integer({ min: -100, max: 100 }),
          fc.nat(),
          (width, rows, exponent, seed) => {
            const values = normals(rows * width, seed).map((v) => v * 2 ** exponent);
            const { quants, scales } = quantiseRows(values, width, format, 'max')!;
            const back = dequantiseRows({ quants, scales }, width, format);
            values.forEach((value, i) => {
              const [row, column] = [Math.floor(i / width), i % width];
              const decoded = decodeQuantised(format, quants, scales, width, row, column);
              expect(back[i] === 0 ? 0 : back[i]).toBe(decoded === 0 ? 0 : decoded);
              const group = values.subarray(
                row * width + 32 * Math.floor(column / 32),
                Math.min((row + 1) * width, row * width + 32 * Math.floor(column / 32) + 32),
              );
              const largest = group.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
              // Half a step, of which the scale's rounding up to bf16 makes at most 2^-7 more.
              expect(Math.abs(value - decoded)).toBeLessThanOrEqual((0.5 * 1.008 * largest) / limit);
            });
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  it('finds scales that leave a smaller error than the largest magnitude does', () => {
    const values = normals(64 * 256, 3);
    const [plain, searched] = [squaredError(values, 256, 'max'), squaredError(values, 256, 'search')];
    // Normal weights: about a quarter less squared error.
    expect(searched).toBeLessThan(0.85 * plain);
    for (let row = 0; row < 64; row++) {
      const one = values.subarray(row * 256, (row + 1) * 256);
      expect(squaredError(one, 256, 'search')).toBeLessThanOrEqual(
        squaredError(one, 256, 'max') * (1 + 1e-6),
      );
    }
  });

  it('pads with zeros, keeps zeros, and survives values at the ends of the range', () => {
    for (const format of ['int8', 'int4'] as const) {
      const ends = Float32Array.from([3.4e38, -3.4e38, 1e-45, 0, -0, 1.2e-38]);
      const back = dequantiseRows(quantiseRows(ends, 6, format)!, 6, format);
      expect(back.every(Number.isFinite)).toBe(true);
      // The larger of the two ends keeps its sign and size within a step.
      expect(Math.abs(back[0]! - 3.4e38)).toBeLessThan(3.4e38 / 7);
      expect(back[3]).toBeCloseTo(0, 10);
      const tiny = dequantiseRows(quantiseRows(new Float32Array(40).fill(1e-40), 40, format)!, 40, format);
      expect(tiny.every((value) => value === 0)).toBe(true);
      const { quants, scales } = quantiseRows(Float32Array.of(1, -1), 1, format)!;
      expect(decodeQuantised(format, quants, scales, 32, 0, 31)).toBeCloseTo(0, 10);
    }
  });

  it('refuses what is not finite', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(quantiseRows(Float32Array.of(1, bad), 2, 'int4')).toBeNull();
  });
});
