// What the chart is given: gaps where nothing was recorded, and labels that do not lie on each other.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chartColumns, spreadLabels } from '../../../src/ui/chart/share_chart';

describe('chartColumns', () => {
  it('counts steps from 1 and leaves gaps', () => {
    const step = { id: 0, text: '', start: 0, end: 0, map: null, atMs: 0 };
    const shares = { image: 0.1, query: 0.2, generated: 0.6 };
    const columns = chartColumns({
      steps: [
        { ...step, shares },
        { ...step, shares: null },
      ],
    });
    expect(columns).toEqual([
      [1, 2],
      [0.1, null],
      [0.2, null],
      [0.6, null],
    ]);
    expect(chartColumns(null)).toEqual([[], [], [], []]);
  });
});

describe('spreadLabels', () => {
  it('leaves labels where they are when there is room', () => {
    expect(spreadLabels([10, 90, 50], 12, 0, 100)).toEqual([10, 90, 50]);
  });

  it('keeps the gap and the bounds, and the order of the lines', () => {
    const y = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(y, y, y), (wanted) => {
        const placed = spreadLabels(wanted, 12, 0, 100);
        const order = [0, 1, 2].sort((a, b) => (placed[a] ?? 0) - (placed[b] ?? 0));
        for (let i = 1; i < 3; i++) {
          const [low, high] = [order[i - 1] ?? 0, order[i] ?? 0];
          // A rounding error of the additions.
          expect((placed[high] ?? 0) - (placed[low] ?? 0)).toBeGreaterThanOrEqual(12 - 1e-9);
          expect(wanted[high]).toBeGreaterThanOrEqual(wanted[low] ?? 0);
        }
        for (const value of placed) expect(value).toBeGreaterThanOrEqual(0);
        for (const value of placed) expect(value).toBeLessThanOrEqual(100);
      }),
    );
  });
});
