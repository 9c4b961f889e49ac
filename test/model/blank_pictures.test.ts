// Blank pictures: of the given size, without content, one object for each size.
import { describe, expect, it } from 'vitest';
import { BlankPictures } from '../../src/model/blank_pictures';

describe('BlankPictures', () => {
  it('are of the mean colour, and the same for pictures of one size', () => {
    const blanks = new BlankPictures();
    const wide = { gridThw: [1, 2, 4], pixelValues: Float32Array.of(1, 2, 3) } as const;
    const blank = blanks.of(wide);
    expect(blank).toEqual({ gridThw: [1, 2, 4], pixelValues: new Float32Array(3) });
    expect(blanks.of({ ...wide, pixelValues: Float32Array.of(4, 5, 6) })).toBe(blank);
    expect(blanks.of({ ...wide, gridThw: [1, 4, 2] })).not.toBe(blank);
    expect(wide.pixelValues[0]).toBe(1);
  });
});
