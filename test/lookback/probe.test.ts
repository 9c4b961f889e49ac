// Checks that the oracle passes each of its own probing items, and that the usual mistakes fail them.

import { describe, expect, it } from 'vitest';
import { PROBES, type Probe, type ProbeItem, probeItems, summariseProbes } from '../../src/lookback/probe';

function oracleAnswer({ probe, sample }: ProbeItem): string {
  if (probe === 'list') return sample.oracle.list.answer;
  return probe.endsWith('scan') ? (sample.oracle.check?.answer ?? '') : sample.oracle.cot;
}

function reportOf(probe: Probe, count: number, answer: (item: ProbeItem) => string) {
  return summariseProbes(probeItems(probe, 5, count).map((item) => ({ item, text: answer(item) })));
}

/** Figures of one probe, without what a constant would reach. */
function figures(probe: Probe, answer: (item: ProbeItem) => string): number[] {
  const report = reportOf(probe, 12, answer);
  return Object.entries(report)
    .filter(([figure]) => !figure.endsWith('constant'))
    .map(([, { mean }]) => mean);
}

describe('probes', () => {
  it.each(PROBES)('%s: the oracle is right, silence and another picture’s answer are not', (probe) => {
    expect(figures(probe, oracleAnswer).every((mean) => mean === 1)).toBe(true);
    expect(figures(probe, () => '').some((mean) => mean > 0.4)).toBe(false);
    const others = probeItems(probe, 6, 12).map(oracleAnswer);
    let at = 0;
    expect(Math.min(...figures(probe, () => others[at++] ?? ''))).toBeLessThan(0.7);
  });

  it('asks sums without the picture and everything else with it, photographs between the limits of clearness', () => {
    for (const { sample } of probeItems('arithmetic', 5, 5)) expect(sample.kind).toBe('text');
    for (const { text } of probeItems('scan', 5, 5)) expect(text).toMatch(/^Check the /);
    for (const { sample } of probeItems('unclear photograph scan', 5, 5)) {
      expect(sample.clearness).toBeGreaterThanOrEqual(0.1);
      expect(sample.clearness).toBeLessThan(0.2);
    }
  });

  it('is blind to spacing and case alone', () => {
    const shout = (text: string) => ` ${text.toUpperCase().replaceAll(' ', '  ')}\n`;
    expect(figures('list', (item) => shout(oracleAnswer(item))).every((mean) => mean === 1)).toBe(true);
  });

  it('counts cells one by one, pictures as a whole, and the best constant', () => {
    const swapped = reportOf('list', 10, ({ sample }) =>
      sample.oracle.list.answer.replace(/a1 (?:-|\w+ \w+)/, 'a1 grey ring'),
    );
    expect(swapped['list, cell words']?.mean).toBeCloseTo(15 / 16, 9);
    expect(swapped['list, exact']?.mean).toBe(0);
    const glance = reportOf('glance', 30, () => '<think> i see 99 red stars. </think>');
    expect(glance.glance?.mean).toBe(0);
    expect(glance['glance, best constant']?.mean).toBeGreaterThan(0.15);
  });
});
