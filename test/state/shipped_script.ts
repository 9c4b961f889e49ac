// An experiment's results as they ship, from rows of outcomes, for tests of the page.

import { packBits, type ShippedExperiment, type ShippedSet } from '../../src/state/shipped_experiment';

const figure = { mean: 0.5, low: 0.4, high: 0.6, seeds: 1, count: 8 };

/**
 * Eight sheets with the outcomes of arms, by seed; an arm looked back where it is right. `two` is an arm that was never run.
 */
export function shippedOf(
  rows: Readonly<Record<string, readonly (readonly [seed: number | 'base', row: string])[]>>,
): {
  readonly experiment: ShippedExperiment;
  readonly set: ShippedSet;
} {
  const set: ShippedSet = { name: 'sheets', split: 'test', visual: true, count: 8, seed: 3 };
  const names = Object.keys(rows);
  const experiment: ShippedExperiment = {
    ...{
      version: 1,
      name: 'small',
      question: 'Better?',
      protocol: { primary: 'Accuracy.' },
      model: 'pocket',
    },
    ...{ seeds: [1], commits: ['abcdef0123456789'], devices: ['a device'], missing: 2, sets: [set] },
    arms: [...names, 'two'].map((name) => ({
      ...({ name, says: `arm ${name}`, mode: 'solution', base: name === 'base' } as const),
    })),
    cells: names.map((arm) => ({
      ...{ arm, set: 'sheets', accuracy: figure, triggerRate: 0.25, genuineScanRate: 0, emptyBackRate: 0 },
      ...{ late: 0.1, inBack: null, meanLength: 20 },
    })),
    comparisons: [
      { first: 'base', second: 'one', set: 'sheets', difference: figure, gained: 2, lost: 1, p: 0.25 },
    ],
    paper: [
      { says: 'It helps', paper: '+7 points', set: 'sheets', found: '+1.0 points', arms: ['base', 'one'] },
      { says: 'It is attended', paper: 'rises', set: 'sheets', found: null, arms: ['two'] },
    ],
    answers: names.flatMap((arm) =>
      (rows[arm] ?? []).map(([seed, row]) => ({
        ...{ arm, seed: seed === 'base' ? null : seed, set: 'sheets' },
        ...{ correct: packBits(row), lookedBack: packBits(seed === 'base' ? '00000000' : row) },
      })),
    ),
  };
  return { experiment, set };
}
