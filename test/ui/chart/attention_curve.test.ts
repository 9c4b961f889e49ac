// attention_curve: which places are drawn, and how high the chart is.
import { describe, expect, it } from 'vitest';
import { curveChartColumns } from '../../../src/ui/chart/attention_curve';

const curve = (mean: readonly (number | null)[], count: readonly number[]) => ({
  from: 0,
  step: 1,
  mean,
  count,
});

describe('curveChartColumns', () => {
  it('pads to the longer curve and leaves out places that few answers reach', () => {
    const found = curveChartColumns([curve([0.2, 0.4], [100, 4]), curve([0.1, 0.1, 0.3], [2, 2, 2])]);
    expect(found?.columns).toEqual([
      [1, 2, 3],
      [0.2, null, null],
      [0.1, 0.1, 0.3],
    ]);
    expect(found?.top).toBeCloseTo(0.4, 12);
  });

  it('never leaves the range of shares', () => {
    expect(curveChartColumns([curve([0.99], [1])])?.top).toBe(1);
    expect(curveChartColumns([curve([0], [1])])?.top).toBe(0.1);
    expect(curveChartColumns([curve([], [])])).toBeNull();
  });
});
