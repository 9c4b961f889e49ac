// Checks the samples of pocket's world: pure by seed, split without overlap, true to their pictures, and well-formed.

import { describe, expect, it } from 'vitest';
import { cellShares, countCells, dominantWord } from '../../../src/data/world/colour_words';
import { GRID_SIDE, IMAGE_SIDE } from '../../../src/data/world/grid';
import { listText, lookBackChain, scanText } from '../../../src/data/world/oracle';
import { answerOf, runningValues } from '../../../src/data/world/question';
import { canonicalKey } from '../../../src/data/world/sheet';
import {
  drawSample,
  HELDOUT_PAIRS,
  isHeldoutSelector,
  SPLITS,
  type Split,
  splitOf,
  type WorldSample,
} from '../../../src/data/world/world_sample';

function draw(
  split: Split,
  count: number,
  rest: { textShare?: number; photographShare?: number } = {},
): WorldSample[] {
  return Array.from({ length: count }, (_, index) => drawSample({ split, seed: 7, index, ...rest }));
}

function pictureKey({ picture }: WorldSample): string {
  return picture.kind === 'sheet' ? canonicalKey(picture) : `${picture.seed}`;
}

/** Carries out what a chain of thought writes: every equation must hold, and the box must say the last value. */
/** `. 2 > 0.` and `row a 2 > row c 1.` */
const RELATIONS = /(?:\.|row \w|column \w) (\d+) ([<>=]) (?:(?:row|column) \w )?(\d+)\./g;

function checkArithmetic(text: string): void {
  for (const [, left, sign, right, result] of text.matchAll(/(\d+) ([-+]) (\d+) = (\d+)\./g)) {
    expect(Number(left) + (sign === '+' ? 1 : -1) * Number(right), text).toBe(Number(result));
  }
  for (const [, left, sign, right] of text.matchAll(RELATIONS)) {
    const [p, q] = [Number(left), Number(right)];
    expect(p < q ? '<' : p > q ? '>' : '=', text).toBe(sign);
  }
}

describe('samples of the world', () => {
  it('are the same whenever they are drawn, picture included', () => {
    for (const split of SPLITS) {
      const [first, again] = [1, 1].map(() => drawSample({ split, seed: 3, index: 5, textShare: 0.2 }));
      expect({ ...first, image: null }).toEqual({ ...again, image: null });
      expect(first?.image()).toEqual(again?.image());
    }
    expect(drawSample({ split: 'train', seed: 3, index: 5 }).id).toBe('train-3-5');
  });

  it('keep the splits apart', () => {
    const keys = SPLITS.map((split) => new Set(draw(split, 60).map(pictureKey)));
    keys.forEach((own, i) => {
      for (const other of keys.slice(i + 1)) expect([...own].filter((key) => other.has(key))).toEqual([]);
    });
    for (const split of SPLITS)
      for (const { picture } of draw(split, 20)) expect(splitOf(picture)).toBe(split);
  });

  it('ask for held-out pairs in the heldout split alone', () => {
    for (const { question } of draw('train', 200, { photographShare: 0 })) {
      expect(isHeldoutSelector(question.selector ?? { target: 'objects' })).toBe(false);
    }
    const asked = draw('heldout', 60);
    expect(asked.every(({ question }) => isHeldoutSelector(question.selector ?? { target: 'objects' }))).toBe(
      true,
    );
    const names = new Set(
      asked.map(({ question }) => `${question.selector?.colour} ${question.selector?.shape}`),
    );
    expect([...names].sort()).toEqual(HELDOUT_PAIRS.map(({ colour, shape }) => `${colour} ${shape}`).sort());
  });

  it('say of photographs what their pixels say, with every cell clear for the asked word', () => {
    for (const sample of draw('photographs', 40)) {
      const shares = cellShares(sample.image(), IMAGE_SIDE, GRID_SIDE);
      expect(sample.facts.cells.map((cell) => cell?.colour)).toEqual(shares.map(dominantWord));
      const word = sample.question.selector?.colour ?? 'red';
      const { sure, unclear } = countCells(shares, word, 0.2);
      expect(unclear).toEqual([]);
      expect(sample.clearness).toBeGreaterThanOrEqual(0.2);
      if (sample.counts.length === 1) expect(sample.counts[0]).toBe(sure);
    }
  });

  it('hold right arithmetic and the answer that follows from the counts', () => {
    for (const { question, counts, answer, oracle } of draw('train', 150, {
      textShare: 0.2,
      photographShare: 0.2,
    })) {
      expect(answer).toBe(answerOf(question, counts));
      for (const text of [oracle.cot, oracle.lookBack.solution, oracle.lookBack.semantic]) {
        checkArithmetic(text);
        expect(text.endsWith(`\\boxed{ ${answer} }`)).toBe(true);
      }
      expect(Math.max(...runningValues(question, counts))).toBeLessThanOrEqual(40);
    }
  });

  it('scan each cell once and number the matches up to the count', () => {
    for (const { facts, question, counts, oracle } of draw('test', 60)) {
      const { selector, lines } = question;
      if (selector === undefined) continue;
      const scan = scanText(facts, selector, lines);
      const cells = scan.match(/\b[a-d][1-4]\b/g) ?? [];
      expect(new Set(cells).size).toBe(cells.length);
      expect(cells.length).toBe(lines === undefined ? 16 : 8);
      const marks = [...scan.matchAll(/(?<!row|column) (\d+)(?= |$)/g)].map(([, mark]) => Number(mark));
      const upTo = (count = 0) => Array.from({ length: count }, (_, i) => i + 1);
      // Of lines, each ends with its count.
      const expected = lines === undefined ? upTo(counts[0]) : counts.flatMap((n) => [...upTo(n), n]);
      expect(marks).toEqual(expected);
      expect(oracle.check?.answer).toContain(scan);
      expect(listText(facts).match(/\b[a-d][1-4]\b/g)).toHaveLength(16);
    }
  });

  it('look after the whole candidate solution, or before the arithmetic', () => {
    const question = {
      kind: 'take',
      selector: { target: 'objects', colour: 'red', shape: 'star' },
      start: 9,
      operations: [{ verb: 'add', amount: 2 }],
    } as const;
    const chain = (position: 'solution' | 'semantic') => lookBackChain(position, question, [2], 'ok', [0]);
    expect(chain('solution')).toBe(
      '<think> i see 2 red stars. 9 - 2 = 7. 7 + 2 = 9. </think> <back> ok </back> ' +
        '<think> so 0. 9 - 0 = 9. 9 + 2 = 11. </think> \\boxed{ 11 }',
    );
    expect(chain('semantic')).toBe(
      '<think> i see 2 red stars. </think> <back> ok </back> ' +
        '<think> so 0. 9 - 0 = 9. 9 + 2 = 11. </think> \\boxed{ 11 }',
    );
  });
});
