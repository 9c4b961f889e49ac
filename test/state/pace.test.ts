// Speed and time left of what arrives in pieces.
import { expect, it } from 'vitest';
import { type Pace, paceAfter } from '../../src/state/pace';

function arrive(steps: readonly (readonly [atMs: number, loaded: number])[], total: number): Pace | null {
  return steps.reduce<Pace | null>((before, [at, loaded]) => paceAfter(before, loaded, total, at), null);
}

it('says nothing before a second has passed', () => {
  expect(
    arrive(
      [
        [0, 0],
        [900, 50],
      ],
      100,
    ),
  ).toMatchObject({ bytesPerSecond: null, secondsLeft: null });
});

it('is the mean of the last ten seconds', () => {
  expect(
    arrive(
      [
        [0, 0],
        [2000, 40],
      ],
      100,
    ),
  ).toMatchObject({ bytesPerSecond: 20, secondsLeft: 3 });
  const slowing = [
    [0, 0],
    [1000, 1000],
    [9000, 1010],
    [14_000, 1020],
    [19_000, 1030],
  ] as const;
  expect(arrive(slowing, 1040)).toMatchObject({ bytesPerSecond: 2, secondsLeft: 5 });
});

it('starts over when something is fetched again, and knows no end while nothing comes', () => {
  expect(
    arrive(
      [
        [0, 0],
        [2000, 80],
        [3000, 10],
      ],
      100,
    ),
  ).toMatchObject({ bytesPerSecond: null });
  expect(
    arrive(
      [
        [0, 50],
        [5000, 50],
      ],
      100,
    ),
  ).toMatchObject({ bytesPerSecond: 0, secondsLeft: null });
});
