// genuine_scan: the oracle's scans are accepted, damaged ones refused, hostile text read in linear time.
import { describe, expect, it } from 'vitest';
import { drawSample } from '../../src/data/world/world_sample';
import { holdGenuineScan, isGenuineScan } from '../../src/lookback/genuine_scan';

describe('isGenuineScan', () => {
  const { oracle } = drawSample({ split: 'test', seed: 1, index: 0 });
  const backOf = (text: string | undefined) => /<back>(.*)<\/back>/.exec(text ?? '')?.[1] ?? '';
  const scan = backOf(oracle.check?.answer);

  it('accepts the oracle’s scans of every kind of picture and question, right or wrong', () => {
    for (const split of ['test', 'photographs'] as const) {
      for (let index = 0; index < 25; index++) {
        const sample = drawSample({ split, seed: 2, index });
        expect(isGenuineScan(backOf(sample.oracle.check?.answer)), sample.text).toBe(true);
      }
    }
    expect(isGenuineScan(scan.replace(/ x/, ' 7'))).toBe(true);
  });

  it.each([
    ['cut short', scan.trim().split(' ').slice(0, -1).join(' ')],
    ['with a cell left out', scan.replace(/b2 (?:-|\w+ \w+ \w+) /, '')],
    ['of nothing', 'ok'],
    ['empty', ''],
    ['with a word after it', `${scan} ok`],
    ['with an unknown colour', scan.replace(/([a-d]\d) (\w+) (\w+) (\w+)/, '$1 beige $3 $4')],
    ['of one row alone', 'check the red cells. row a a1 red 1 a2 blue x a3 blue x a4 blue x so row a 1'],
    [
      'of a row with another row’s cells',
      'check the reds. row a b1 - b2 - b3 - b4 - so row a 0 row b b1 - b2 - b3 - b4 - so row b 0',
    ],
    [
      'that counts another row',
      'check the reds. row a a1 - a2 - a3 - a4 - so row b 0 row b b1 - b2 - b3 - b4 - so row b 0',
    ],
    ['of rows without their counts', 'check the reds. row a a1 - a2 - a3 - a4 - row b b1 - b2 - b3 - b4 -'],
  ])('refuses one %s', (_, back) => {
    expect(isGenuineScan(back)).toBe(false);
  });
});

describe('holdGenuineScan', () => {
  const line = (name: string) =>
    `check the reds. row ${name} ${[1, 2, 3, 4].map((i) => `${name}${i} -`).join(' ')} so row ${name} 0`;

  it('takes one look at each of two lines for a whole scan, and nothing less', () => {
    expect(holdGenuineScan([line('a'), line('c')])).toBe(true);
    for (const backs of [[], [line('a')], [line('a'), 'ok'], [line('a'), line('b'), line('c')]])
      expect(holdGenuineScan(backs), backs.join('|')).toBe(false);
  });

  it('takes any whole scan among several looks', () => {
    const { oracle } = drawSample({ split: 'test', seed: 1, index: 0 });
    const scan = /<back>(.*)<\/back>/.exec(oracle.check?.answer ?? '')?.[1] ?? '';
    expect(holdGenuineScan(['ok', scan])).toBe(true);
  });
});
