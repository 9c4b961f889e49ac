// Thinned lines: nothing is left out of short ones; long ones keep every extreme, both ends and their gaps.
import { describe, expect, it } from 'vitest';
import { neededPlaces } from '../../../src/ui/chart/thin_columns';

const noise = (length: number) => Array.from({ length }, (_, i) => Math.sin(i * i));

describe('neededPlaces', () => {
  it('needs all of a line that is as long as a chart is wide', () => {
    expect(neededPlaces([noise(1024)], 1024)).toBeNull();
    expect(neededPlaces([], 0)).toBeNull();
  });

  it('keeps of each stretch where any line is lowest and highest', () => {
    const lines = [noise(100_000), noise(100_000).map((value) => 1 - value * value)];
    const places = neededPlaces(lines, 100_000) ?? [];
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
    expect(places.length).toBeLessThan(2100);
    expect([places[0], places.at(-1)]).toEqual([0, 99_999]);
    for (let from = 0; from < 100_000; from += 256) {
      const kept = places.filter((place) => place >= from && place < from + 256);
      for (const line of lines) {
        const stretch = line.slice(from, from + 256);
        const of = kept.map((place) => line[place] as number);
        expect([Math.min(...of), Math.max(...of)]).toEqual([Math.min(...stretch), Math.max(...stretch)]);
      }
    }
  });

  it('keeps a gap that is as long as a stretch', () => {
    const line = noise(10_000).map((value, i) => (i >= 3000 && i < 3100 ? null : value));
    const places = neededPlaces([line], 10_000) ?? [];
    expect(places.some((place) => line[place] === null)).toBe(true);
  });

  it('keeps the places of what was there before when a line grows', () => {
    const line = noise(20_000);
    const before = neededPlaces([line], 19_968) ?? [];
    const after = neededPlaces([line], 20_000) ?? [];
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  });
});
