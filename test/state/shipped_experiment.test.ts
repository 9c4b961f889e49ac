// shipped_experiment: bits there and back, outcomes by question, filters over one arm and over two.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filteredOutcomes, outcomesOf, packBits, unpackBits } from '../../src/state/shipped_experiment';
import { shippedOf } from './shipped_script';

describe('packBits', () => {
  it('comes back as it went, of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 70 }), (bits) => {
        const packed = packBits(bits.map((bit) => (bit ? '1' : '0')).join(''));
        expect(unpackBits(packed, bits.length)).toEqual(bits);
      }),
    );
  });

  it('is refused where it is of another length, or no base64', () => {
    expect(() => unpackBits(packBits('0101'), 9)).toThrow(/9 outcomes/);
    expect(() => unpackBits('?', 4)).toThrow(/damaged/);
  });
});

describe('outcomesOf', () => {
  const { experiment, set } = shippedOf({
    base: [['base', '10100000']],
    one: [
      [1, '11000000'],
      [2, '01000001'],
    ],
  });

  it('lists every arm that was asked, seed by seed', () => {
    const questions = outcomesOf(experiment, set);
    expect(questions).toHaveLength(8);
    expect(questions[0]?.arms).toEqual([
      { arm: 'base', seeds: [{ seed: null, correct: true, lookedBack: false }] },
      {
        arm: 'one',
        seeds: [
          { seed: 1, correct: true, lookedBack: true },
          { seed: 2, correct: false, lookedBack: false },
        ],
      },
    ]);
    // `two` was never run.
    expect(experiment.arms.map(({ name }) => name)).toContain('two');
  });

  it('filters one arm, and two against each other', () => {
    const questions = outcomesOf(experiment, set);
    const of = (...asked: Parameters<typeof filteredOutcomes> extends [unknown, ...infer R] ? R : never) =>
      filteredOutcomes(questions, ...asked).map(({ index }) => index);
    expect(of('right', ['base'])).toEqual([0, 2]);
    expect(of('wrong', ['base'])).toEqual([1, 3, 4, 5, 6, 7]);
    expect(of('gained', ['base', 'one'])).toEqual([1, 7]);
    // One seed of two is fewer than the base's only one.
    expect(of('lost', ['base', 'one'])).toEqual([0, 2]);
    expect(of('lookedBack', ['one'])).toEqual([0, 1, 7]);
    expect(of('gained', ['base', 'two'])).toEqual([]);
    expect(of('wrong', ['two'])).toEqual([]);
  });
});
