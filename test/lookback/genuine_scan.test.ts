// genuine_scan: the oracle's scans are accepted, damaged ones refused, hostile text read in linear time.
import { describe, expect, it } from 'vitest';
import { drawSample } from '../../src/data/world/shapes_world';
import { isGenuineScan } from '../../src/lookback/genuine_scan';

describe('isGenuineScan', () => {
  const { oracle } = drawSample({ split: 'test', seed: 1, index: 0 });
  const scan = (oracle.check?.answer ?? '').replace('<back>', '').replace('</back>', '');

  it('accepts the oracle’s scans, right or wrong', () => {
    expect(isGenuineScan(scan)).toBe(true);
    expect(isGenuineScan(scan.replace(/ x/, ' 7'))).toBe(true);
  });

  it.each([
    ['cut short', scan.trim().split(' ').slice(0, -1).join(' ')],
    ['with a cell left out', scan.replace(/b2 (?:-|\w+ \w+ \w+) /, '')],
    ['of nothing', 'ok'],
    ['empty', ''],
    ['with a word after it', `${scan} ok`],
    ['with an unknown colour', scan.replace(/(\w\d) (?:red|green|blue|yellow)/, '$1 pink')],
  ])('refuses one %s', (_, back) => {
    expect(isGenuineScan(back)).toBe(false);
  });
});
