// Numbers and words of the shown steps: plain means, regions by area, and a sentence that says the same.
import { describe, expect, it } from 'vitest';
import {
  mapsOf,
  meanMap,
  meanShares,
  NINTH_NAMES,
  ninthsOf,
  percent,
  readoutOf,
  regionWords,
  scaleTop,
} from '../../src/state/attention_view';
import { layoutCards } from '../../src/state/segment_layout';
import { beginAnswer, EMPTY_SESSION, reduceSession, type Step } from '../../src/state/session';
import { ASKED, IMAGE_SHARES, PROMPT, script } from './engine_script';

function step(image: number, map: number[] | null): Step {
  const shares = { image, query: 0.2, generated: 0.7 - image };
  return {
    id: 0,
    text: '',
    start: 0,
    end: 0,
    atMs: 0,
    shares,
    map: map === null ? null : Float32Array.from(map),
  };
}

const UNRECORDED: Step = { id: 0, text: '', start: 0, end: 0, atMs: 0, shares: null, map: null };

describe('means', () => {
  it('averages shares and maps of the recorded steps only', () => {
    const steps = [step(0.2, [0.2, 0]), UNRECORDED, step(0.4, [0, 0.4])];
    const shares = meanShares(steps, { from: 0, to: 2 });
    expect(shares?.image).toBeCloseTo(0.3, 12);
    expect(shares?.generated).toBeCloseTo(0.4, 12);
    // f32 maps: one rounding.
    expect(Array.from(meanMap(steps, { from: 0, to: 2 }) ?? [])).toEqual([
      Math.fround(0.1),
      Math.fround(0.2),
    ]);
    expect(meanShares([UNRECORDED], { from: 0, to: 0 })).toBeNull();
    expect(meanMap([UNRECORDED], { from: 0, to: 0 })).toBeNull();
  });

  it('gives a single step back unchanged', () => {
    const map = meanMap([step(0.3, [0.1, 0.2])], { from: 0, to: 0 });
    expect(Array.from(map ?? [])).toEqual([Math.fround(0.1), Math.fround(0.2)]);
  });
});

describe('scaleTop', () => {
  it('is a round number at twice the even spread or just above', () => {
    for (const cells of [1, 4, 9, 16, 100, 192, 256, 1024, 1600]) {
      const top = scaleTop(cells);
      const wanted = 2 / Math.max(cells, 2);
      expect(top).toBeGreaterThanOrEqual(wanted * (1 - 1e-9));
      expect(top).toBeLessThanOrEqual(wanted * 2.5);
    }
    expect(scaleTop(9)).toBe(0.25);
    expect(scaleTop(256)).toBe(0.01);
  });
});

describe('regionWords', () => {
  const one = (cell: number, cells = 9) =>
    Float32Array.from({ length: cells }, (_, i) => (i === cell ? 1 : 0));

  it('names the ninth that holds the mass', () => {
    NINTH_NAMES.forEach((name, cell) => {
      expect(regionWords(one(cell), [3, 3])).toBe(`mostly ${name}`);
    });
    // Row 0, column 15 of a 12 × 16 grid.
    expect(regionWords(one(15, 192), [12, 16])).toBe('mostly upper right');
  });

  it('names rows, columns, an even spread and nothing', () => {
    expect(regionWords(Float32Array.from([1, 1, 1, 0, 0, 0, 0, 0, 0]), [3, 3])).toBe('mostly along the top');
    expect(regionWords(Float32Array.from([0, 0, 1, 0, 0, 1, 0, 0, 1]), [3, 3])).toBe(
      'mostly along the right',
    );
    expect(regionWords(new Float32Array(9).fill(1), [3, 3])).toBe('spread over the picture');
    expect(regionWords(new Float32Array(9), [3, 3])).toBe('nowhere on the picture');
    expect(regionWords(Float32Array.from([4, 1, 1, 1, 1, 1, 1, 1, 1]), [3, 3])).toBe('most of it upper left');
  });

  it('divides a cell among the ninths by area', () => {
    // A single token covers the whole picture.
    for (const share of ninthsOf(Float32Array.of(0.5), [1, 1])) expect(share).toBeCloseTo(1 / 9, 12);
    // Two columns: the left one covers the left third whole and half of the middle one.
    const left = ninthsOf(Float32Array.of(1, 0), [1, 2]);
    expect((left[0] ?? 0) + (left[3] ?? 0) + (left[6] ?? 0)).toBeCloseTo(2 / 3, 12);
  });
});

describe('readoutOf', () => {
  const { answer } = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), script());
  if (answer === null) throw new Error('no answer');
  const cards = layoutCards(answer);

  it('says step, place, share and region', () => {
    expect(readoutOf(answer, cards, { from: 6, to: 6 })?.sentence).toBe(
      'Step 7 “check”, inside back: 40 % on the image, mostly lower left.',
    );
    expect(readoutOf(answer, cards, { from: 12, to: 12 })?.sentence).toContain(
      'inside think: 2 % on the image',
    );
  });

  it('says of several pictures how much of it is on each', () => {
    const [fact] = PROMPT.pictures;
    const prompt = {
      ...PROMPT,
      pictures: [3, 6].map((columns) => ({ ...fact!, grid: [1, columns] as const })),
    };
    // Step 6 lies on cell 6: the fourth of six of the second picture.
    expect(mapsOf(Float32Array.from([...Array(9).keys()]), prompt.pictures).map((map) => [...map])).toEqual([
      [0, 1, 2],
      [3, 4, 5, 6, 7, 8],
    ]);
    expect(readoutOf({ ...answer, prompt }, cards, { from: 6, to: 6 })?.sentence).toBe(
      'Step 7 “check”, inside back: 40 % on the images, 0 % of it on image 1 (nowhere on the picture), 100 % of it on image 2 (mostly along the middle column).',
    );
  });

  it('averages a range and names its segment only when it lies in one', () => {
    const back = readoutOf(answer, cards, { from: 5, to: 9 });
    const mean = IMAGE_SHARES.slice(5, 10).reduce((a, b) => a + b, 0) / 5;
    expect(back?.shares.image).toBeCloseTo(mean, 12);
    expect(back?.kind).toBe('back');
    expect(back?.sentence).toContain('Steps 6 to 10, inside back: on average 28 % on the image');
    expect(readoutOf(answer, cards, { from: 3, to: 6 })?.kind).toBeNull();
    // The map's mass is the image share it was made from.
    expect(back?.map?.reduce((a, b) => a + b, 0)).toBeCloseTo(mean, 6);
  });

  it('rounds honestly', () => {
    expect([0, 0.004, 0.0096, 0.41, 1].map(percent)).toEqual(['0 %', '0.4 %', '1 %', '41 %', '100 %']);
  });
});
