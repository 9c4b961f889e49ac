// Which entries of a table of positions patches blend: corners on corners, exact reading, order of the run, padding.
import { describe, expect, it } from 'vitest';
import { positionTaps } from '../../src/model/position_table';

const inOrder = (rows: number): Uint32Array => Uint32Array.from({ length: rows }, (_, row) => row);

/** Value of a row on a table whose entry (i, j) is 10 i + j, which bilinear reading reproduces between entries. */
function read({ index, weights }: ReturnType<typeof positionTaps>, side: number, row: number): number {
  let value = 0;
  for (let tap = 4 * row; tap < 4 * row + 4; tap++) {
    const entry = index[tap]!;
    value += weights[tap]! * (10 * Math.floor(entry / side) + (entry % side));
  }
  return value;
}

describe('positionTaps', () => {
  it('puts the corners of an image on those of the table, and spaces patches evenly between', () => {
    const table = { side: 5, reading: 'bilinear' } as const;
    const taps = positionTaps([[1, 3, 7]], table, 1, inOrder(21));
    for (let row = 0; row < 21; row++) {
      const [i, j] = [Math.floor(row / 7), row % 7];
      // Places are f32: 40 is the largest value, so an error of a few 1e-6.
      expect(read(taps, 5, row)).toBeCloseTo(10 * ((i * 4) / 2) + (j * 4) / 6, 4);
    }
    const weights = Array.from({ length: 21 }, (_, row) =>
      taps.weights.subarray(4 * row, 4 * row + 4).reduce((a, b) => a + b),
    );
    for (const sum of weights) expect(sum).toBeCloseTo(1, 6);
    expect(Math.max(...taps.index)).toBe(24);
  });

  it('takes the first entry for an axis of one patch', () => {
    const table = { side: 6, reading: 'bilinear' } as const;
    const taps = positionTaps([[1, 1, 2]], table, 1, inOrder(2));
    expect([read(taps, 6, 0), read(taps, 6, 1)]).toEqual([0, 5]);
  });

  it('follows merge blocks and the run order, repeats frames, and gives padding no weight', () => {
    const table = { side: 2, reading: 'exact' } as const;
    const taps = positionTaps([[2, 2, 2]], table, 2, Uint32Array.from([7, 0, 1, 2, 3, 4, 5, 6, 8]));
    const values = Array.from({ length: 8 }, (_, row) => read(taps, 2, row));
    expect(values).toEqual([11, 0, 1, 10, 11, 0, 1, 10]);
    expect([...taps.weights.subarray(32)]).toEqual([0, 0, 0, 0]);
  });

  it('refuses an image beyond a table that is read exactly', () => {
    const table = { side: 2, reading: 'exact' } as const;
    expect(() => positionTaps([[1, 1, 3]], table, 1, inOrder(3))).toThrow('1 × 3 patches exceeds');
  });
});
