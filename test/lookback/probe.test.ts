// probe: the oracle passes each of its own items, and the usual mistakes fail them.
import { describe, expect, it } from 'vitest';
import { PROBES, type Probe, probeItem, summariseProbes } from '../../src/lookback/probe';

function oracleAnswer(probe: Probe, index: number): string {
  const { oracle } = probeItem(probe, 5, index).sample;
  if (probe === 'list') return oracle.list;
  return probe === 'scan' ? (oracle.check?.answer ?? '') : oracle.cot;
}

describe('probeItem', () => {
  it.each(PROBES)('%s: the oracle is right, another sample’s answer is not', (probe) => {
    let wrong = 0;
    for (let index = 0; index < 30; index++) {
      const item = probeItem(probe, 5, index);
      expect(item.isRight(oracleAnswer(probe, index))).toBe(true);
      expect(item.isRight('')).toBe(false);
      if (!item.isRight(oracleAnswer(probe, index + 30))) wrong++;
    }
    // A glance of another sheet is right by chance in some cases; the others hardly ever.
    expect(wrong).toBeGreaterThan(probe === 'glance' ? 12 : 24);
  });

  it('asks sums without the picture and everything else with it', () => {
    expect(probeItem('arithmetic', 5, 1).sample.kind).toBe('text');
    expect(probeItem('glance', 5, 1).sample.kind).not.toBe('text');
    expect(probeItem('scan', 5, 1).text).toMatch(/^Check the /);
  });

  it('is blind to spacing and case alone', () => {
    const item = probeItem('list', 5, 2);
    const list = item.sample.oracle.list;
    expect(item.isRight(` ${list.toUpperCase().replaceAll(' ', '  ')}\n`)).toBe(true);
    expect(item.isRight(list.replace(' -', ''))).toBe(!list.includes(' -'));
  });
});

describe('summariseProbes', () => {
  it('counts per ability', () => {
    const report = summariseProbes([
      { probe: 'list', right: true },
      { probe: 'list', right: false },
      { probe: 'scan', right: true },
    ]);
    expect(report.list).toMatchObject({ mean: 0.5, count: 2 });
    expect(report.scan).toMatchObject({ mean: 1, count: 1 });
    expect(report.glance).toMatchObject({ count: 0, low: 0, high: 1 });
  });
});
