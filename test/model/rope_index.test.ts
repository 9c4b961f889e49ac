// Position streams of text and images, and the order of vision windows.
import { describe, expect, it } from 'vitest';
import type { GridThw } from '../../src/data/image/image_processor';
import {
  getCuFull,
  getRopeIndex,
  getWindowIndex,
  gridTokens,
  invertIndex,
  linearRopeTables,
  patchPositions,
  permuteRopeTables,
  textRopeTables,
  visionRopeTables,
} from '../../src/model/rope_index';

const MODEL = { imageTokenId: 9, videoTokenId: 8, spatialMergeSize: 2 };
const PAD = 9;
const text = (n: number): number[] => Array(n).fill(1);
const image = (n: number): number[] => Array(n).fill(PAD);
const row = (ids: Int32Array, stream: number): number[] => {
  const length = ids.length / 3;
  return [...ids.subarray(stream * length, (stream + 1) * length)];
};

describe('getRopeIndex', () => {
  // Worked example of a 3×5 and a 4×2 image: 5 text, 15 image, 4 text, 8 image, 2 text.
  const ids = [...text(5), ...image(15), ...text(4), ...image(8), ...text(2)];
  const grids: GridThw[] = [
    [1, 6, 10],
    [1, 8, 4],
  ];

  it('follows the streams of two images', () => {
    const { positionIds, delta } = getRopeIndex(ids, grids, MODEL);
    expect(delta).toBe(-14);
    expect(row(positionIds, 0)).toEqual([
      0,
      1,
      2,
      3,
      4,
      ...Array(15).fill(5),
      10,
      11,
      12,
      13,
      ...Array(8).fill(14),
      18,
      19,
    ]);
    expect(row(positionIds, 1).slice(5, 20)).toEqual([5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7]);
    expect(row(positionIds, 2).slice(24, 32)).toEqual([14, 15, 14, 15, 14, 15, 14, 15]);
  });

  it('ignores padding on either side', () => {
    const plain = getRopeIndex(ids, grids, MODEL);
    for (const [before, after] of [
      [3, 0],
      [0, 4],
    ] as const) {
      const padded = [...image(before), ...ids, ...image(after)];
      const mask = [...Array(before).fill(0), ...Array(ids.length).fill(1), ...Array(after).fill(0)];
      const result = getRopeIndex(padded, grids, MODEL, { mask });
      expect(result.delta).toBe(plain.delta);
      for (const stream of [0, 1, 2]) {
        const middle = row(result.positionIds, stream).slice(before, before + ids.length);
        expect(middle).toEqual(row(plain.positionIds, stream));
      }
    }
  });

  it('takes adjacent images apart and continues at a start', () => {
    const { positionIds, delta } = getRopeIndex(
      [...image(1), ...image(2), 1],
      [
        [1, 2, 2],
        [1, 2, 4],
      ],
      MODEL,
      { start: 7 },
    );
    expect(row(positionIds, 0)).toEqual([7, 8, 8, 10]);
    expect(row(positionIds, 2)).toEqual([7, 8, 9, 10]);
    expect(delta).toBe(0);
  });

  it('equals one-dimensional positions without images', () => {
    const { positionIds, delta } = getRopeIndex([1, 2, 3], [], MODEL);
    expect([...positionIds]).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(delta).toBe(0);
    expect(getRopeIndex([], [], MODEL).positionIds).toHaveLength(0);
  });

  it('refuses any mismatch of tokens and images', () => {
    const grid: GridThw = [1, 4, 4];
    expect(() => getRopeIndex(image(3), [grid], MODEL)).toThrow('needs 4 image tokens, the prompt has 3');
    expect(() => getRopeIndex(image(5), [grid], MODEL)).toThrow('more image tokens than its 1 images need');
    expect(() => getRopeIndex(text(2), [grid], MODEL)).toThrow('image tokens for 0 of 1 images');
    expect(() => getRopeIndex([8], [], MODEL)).toThrow('video');
    expect(() => getRopeIndex(image(4), [[1, 3, 4]], MODEL)).toThrow('divisible by merge size 2');
    expect(() => getRopeIndex(image(8), [[2, 4, 4]], MODEL)).toThrow('2 frames');
  });
});

describe('vision tables', () => {
  it('orders windows as the worked example', () => {
    const grids: GridThw[] = [
      [1, 6, 10],
      [1, 8, 4],
    ];
    const { windowIndex, cuWindow } = getWindowIndex(grids, 2, 2);
    expect([...windowIndex]).toEqual([
      0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    ]);
    expect([...cuWindow]).toEqual([0, 16, 32, 40, 48, 56, 60, 76, 92]);
    expect([...getCuFull(grids)]).toEqual([0, 60, 92]);
    expect([...getCuFull([[3, 2, 6]])]).toEqual([0, 12, 24, 36]);
  });

  it('permutes frames in themselves, and back', () => {
    const grids: GridThw[] = [
      [2, 6, 10],
      [1, 2, 2],
      [3, 2, 14],
    ];
    const { windowIndex, cuWindow } = getWindowIndex(grids, 2, 3);
    const tokens = grids.reduce((sum, grid) => sum + gridTokens(grid, 2), 0);
    expect([...windowIndex].sort((a, b) => a - b)).toEqual(Array.from({ length: tokens }, (_, i) => i));
    expect(cuWindow.at(-1)).toBe(tokens * 4);
    const full = new Set(getCuFull(grids));
    // Every frame boundary is a window boundary: full-attention segments stay valid in run order.
    for (const bound of full) expect([...cuWindow]).toContain(bound);
    const inverse = invertIndex(windowIndex);
    expect([...inverse].map((r) => windowIndex[r])).toEqual(Array.from({ length: tokens }, (_, i) => i));
  });

  it('puts patches block by block', () => {
    const positions = patchPositions([[1, 4, 4]], 2);
    expect([...positions]).toEqual([
      0, 0, 0, 1, 1, 0, 1, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 0, 2, 1, 3, 0, 3, 1, 2, 2, 2, 3, 3, 2, 3, 3,
    ]);
  });

  it('turns by row and by column with the half-head frequencies', () => {
    const vision = { headDim: 8, ropeTheta: 10000, spatialMergeSize: 1 };
    const { cos, sin, width } = visionRopeTables([[1, 3, 5]], vision);
    expect(width).toBe(4);
    for (let p = 0; p < 15; p++) {
      const [y, x] = [Math.floor(p / 5), p % 5];
      // Head 8: two frequencies each, 10000^(-2k/4) = 1 and 0.01.
      const angles = [y, y * 0.01, x, x * 0.01];
      angles.forEach((angle, k) => {
        // The tables round the angle to f32 (< 1e-7 relative) before cos.
        expect(cos[p * 4 + k]).toBeCloseTo(Math.cos(angle), 6);
        expect(sin[p * 4 + k]).toBeCloseTo(Math.sin(angle), 6);
      });
    }
  });

  it('moves rows in groups and refuses an index of another length', () => {
    const tables = {
      cos: Float32Array.of(0, 1, 2, 3, 4, 5),
      sin: Float32Array.of(0, -1, -2, -3, -4, -5),
      rows: 6,
      width: 1,
    };
    const moved = permuteRopeTables(tables, Int32Array.of(2, 0, 1), 2);
    expect([...moved.cos]).toEqual([4, 5, 0, 1, 2, 3]);
    expect([...moved.sin]).toEqual([-4, -5, 0, -1, -2, -3]);
    expect(() => permuteRopeTables(tables, Int32Array.of(0, 1), 2)).toThrow('does not cover 6 rows');
  });
});

describe('text tables', () => {
  const rope = { theta: 1e6, kind: 'multimodal', streams: [0, 0, 1, 1, 1, 2, 2, 2] } as const;
  const config = { headDim: 16, rope };

  it('selects the stream of each frequency', () => {
    const { cos } = textRopeTables(Int32Array.of(3, 5, 7), config);
    const position = (k: number): number => (k < 2 ? 3 : k < 5 ? 5 : 7);
    for (let k = 0; k < 8; k++) expect(cos[k]).toBeCloseTo(Math.cos(position(k) * 1e6 ** (-k / 8)), 6);
  });

  it('agrees with the linear table where the streams are equal', () => {
    const linear = linearRopeTables(11, 2, config);
    const general = textRopeTables(Int32Array.of(11, 12, 11, 12, 11, 12), config);
    expect(linear).toEqual(general);
    expect(() => textRopeTables(Int32Array.of(1, 2), config)).toThrow('[3, T]');
  });

  it('rounds the angle to f32 as torch does: at position 3000 this differs from a f64 angle', () => {
    const wide = { headDim: 128, rope };
    const { cos } = linearRopeTables(3000, 1, wide);
    const exact = Array.from({ length: 64 }, (_, k) => Math.cos(3000 * 1e6 ** (-k / 64)));
    const worst = Math.max(...exact.map((value, k) => Math.abs(value - (cos[k] as number))));
    // f32 angles near 3000 are spaced 2.4e-4: an error between one hundredth of that and all of it.
    expect(worst).toBeGreaterThan(2e-6);
    expect(worst).toBeLessThan(2.4e-4);
  });
});
