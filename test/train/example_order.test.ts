// Orders of examples: every example once an epoch, other epochs and seeds otherwise, and the same wherever one starts.
import { describe, expect, it } from 'vitest';
import { ExampleOrder, shuffled } from '../../src/train/example_order';

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

describe('shuffled', () => {
  it.each([0, 1, 2, 7, 100])('holds each of %i positions once', (count) => {
    expect(ascending(shuffled(count, 5))).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  it('follows from every seed word, and from nothing else', () => {
    const order = shuffled(50, 1, 2);
    expect(shuffled(50, 1, 2)).toEqual(order);
    expect(shuffled(50, 1, 3)).not.toEqual(order);
    expect(shuffled(50, 2, 2)).not.toEqual(order);
    expect(order).not.toEqual(ascending(order));
  });

  it('puts every position in every place about equally often', () => {
    const draws = 3000;
    const seen = Array.from({ length: 3 }, () => [0, 0, 0]);
    for (let seed = 0; seed < draws; seed++) {
      shuffled(3, seed).forEach((position, place) => {
        seen[place]![position]!++;
      });
    }
    // Binomial with p = 1/3: five standard deviations are 5 · √(3000 · 2/9) = 129.
    for (const count of seen.flat()) expect(Math.abs(count - draws / 3)).toBeLessThan(130);
  });
});

describe('ExampleOrder', () => {
  it('deals consecutive positions of a generator', () => {
    const order = new ExampleOrder(Number.POSITIVE_INFINITY, 9);
    expect(order.positions(0, 3)).toEqual([0, 1, 2]);
    expect(order.positions(41, 2)).toEqual([82, 83]);
  });

  it('takes every example once an epoch, across steps that straddle two', () => {
    const order = new ExampleOrder(7, 3);
    const dealt = [0, 1, 2, 3, 4, 5, 6].flatMap((step) => order.positions(step, 4));
    const epochs = [0, 7, 14, 21].map((first) => dealt.slice(first, first + 7));
    for (const epoch of epochs) expect(ascending(epoch)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(new Set(epochs.map(String)).size).toBeGreaterThan(1);
  });

  it('comes round within one step of a set smaller than it', () => {
    const positions = new ExampleOrder(3, 0).positions(1, 8);
    // Numbers 8 to 15: the last of epoch 2, epochs 3 and 4, the first of epoch 5.
    expect(ascending(positions.slice(1, 4))).toEqual([0, 1, 2]);
    expect(ascending(positions.slice(4, 7))).toEqual([0, 1, 2]);
    expect(new ExampleOrder(1, 0).positions(5, 3)).toEqual([0, 0, 0]);
  });

  it('deals a step the same whether it was reached in turn, at once, or backwards', () => {
    const order = new ExampleOrder(11, 4);
    const inTurn = Array.from({ length: 12 }, (_, step) => order.positions(step, 3));
    expect(new ExampleOrder(11, 4).positions(9, 3)).toEqual(inTurn[9]);
    expect(order.positions(2, 3)).toEqual(inTurn[2]);
    expect(new ExampleOrder(11, 5).positions(0, 3)).not.toEqual(inTurn[0]);
  });
});
