// When an adapter's user is told that it was trained over weights of another precision.
import { describe, expect, it } from 'vitest';
import { precisionCaution, precisionNamed } from '../../src/model/base_precision';
import { WEIGHT_PRECISIONS } from '../../src/model/weight_layout';

describe('precisionCaution', () => {
  it('says nothing where both are the same, or where it is not known', () => {
    for (const precision of WEIGHT_PRECISIONS) {
      expect(precisionCaution(precision, precision)).toBeNull();
      expect(precisionCaution(null, precision)).toBeNull();
    }
  });

  it('takes the formats that are not quantised as one', () => {
    const wide = ['stored', 'f32', 'bf16'] as const;
    for (const made of wide) for (const used of wide) expect(precisionCaution(made, used)).toBeNull();
  });

  it.each([
    ['int4', 'int8', /4 bits \(int4\) and is used over weights of 8 bits .* Load the model in int4/],
    ['int8', 'f32', /8 bits \(int8\) and is used over weights that are not quantised.* in int8/],
    ['f32', 'int4', /weights that are not quantised and is used over weights of 4 bits .* in bf16/],
  ] as const)('names both where they differ: %s over %s', (made, used, words) => {
    expect(precisionCaution(made, used)).toMatch(words);
  });
});

describe('precisionNamed', () => {
  it('knows every precision and nothing else', () => {
    for (const precision of WEIGHT_PRECISIONS) expect(precisionNamed(precision)).toBe(precision);
    for (const other of ['int2', '', 'constructor', 4, null, undefined, ['int4']])
      expect(precisionNamed(other)).toBeNull();
  });
});
