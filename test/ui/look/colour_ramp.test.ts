// The ramp: nothing is transparent, more is lighter and more opaque, and clamped at the ends.
import { describe, expect, it } from 'vitest';
import { cssColour, rampColour } from '../../../src/ui/look/colour_ramp';

const luminance = ([r, g, b]: readonly [number, number, number, number]) =>
  0.2126 * r + 0.7152 * g + 0.0722 * b;

describe('rampColour', () => {
  it('grows in lightness and opacity with the value', () => {
    let before = rampColour(0, 1, 1);
    expect(before[3]).toBe(0);
    for (let i = 1; i <= 100; i++) {
      const colour = rampColour(i / 100, 1, 1);
      expect(luminance(colour)).toBeGreaterThanOrEqual(luminance(before) - 1);
      expect(colour[3]).toBeGreaterThan(before[3]);
      before = colour;
    }
    expect(before[3]).toBe(1);
  });

  it('clamps, scales its alpha, and survives a scale of nothing', () => {
    expect(rampColour(5, 0.25, 0.5)).toEqual(rampColour(0.25, 0.25, 0.5));
    expect(rampColour(0.25, 0.25, 0.5)[3]).toBeCloseTo(0.5, 12);
    expect(rampColour(-1, 1, 1)[3]).toBe(0);
    expect(rampColour(0.3, 0, 1)[3]).toBe(0);
    expect(cssColour([1, 2, 3, 0.5])).toBe('rgba(1, 2, 3, 0.500)');
  });
});
