// Values that stand alone, which a line would not show.
import { describe, expect, it } from 'vitest';
import { lonePlaces } from '../../../src/ui/chart/step_chart';

describe('lonePlaces', () => {
  it('are those of values between gaps', () => {
    expect(lonePlaces([1, null, 2, 3, null, null, 4])).toEqual([0, 6]);
    expect(lonePlaces([1])).toEqual([0]);
    expect(lonePlaces([])).toEqual([]);
    expect(lonePlaces([null, 1, 2, null])).toEqual([]);
  });

  it('do not count steps that are another line’s alone', () => {
    expect(lonePlaces([1, undefined, 2, undefined])).toEqual([]);
    expect(lonePlaces([undefined, 1, undefined, null, 2, undefined, null])).toEqual([1, 4]);
  });
});
