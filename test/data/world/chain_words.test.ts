// Foreign words for thoughts: true to the counts, and the counts that pocket's own words say read back.
import { describe, expect, it } from 'vitest';
import { FOREIGN_WORDS, glancedCounts, OWN_WORDS } from '../../../src/data/world/chain_words';
import { answerOf } from '../../../src/data/world/question';
import { drawSample, type WorldSample } from '../../../src/data/world/world_sample';

const SAMPLES = Array.from({ length: 120 }, (_, index) =>
  drawSample({ split: 'train', seed: 5, index, textShare: 0.1, photographShare: 0.3 }),
);

/** Carries out every `x plus y is z` and `x minus y is z` of a thought. */
function wrongSums(thought: string): string[] {
  return [...thought.matchAll(/(\d+) (plus|minus) (\d+) is (\d+)/g)]
    .filter(([, a, verb, b, c]) => Number(a) + (verb === 'plus' ? 1 : -1) * Number(b) !== Number(c))
    .map(([sum]) => sum);
}

/** What a foreign thought arrives at. */
function conclusion(thought: string, { question, counts }: WorldSample): string {
  if (question.kind === 'any') return /result is (yes|no)\.$/.exec(thought)?.[1] ?? '';
  if (question.lines !== undefined) {
    return thought.endsWith('are the same.') ? 'same' : (/(\w+) has more\.$/.exec(thought)?.[1] ?? '');
  }
  return /is (\d+)\.$/.exec(thought)?.[1] ?? `${counts[0]}`;
}

describe('FOREIGN_WORDS', () => {
  it('say the counts, reckon rightly and arrive at the answer', () => {
    for (const sample of SAMPLES) {
      const { question, counts, answer } = sample;
      for (const thought of [FOREIGN_WORDS.first(question, counts), FOREIGN_WORDS.last(question, counts)]) {
        expect(wrongSums(thought)).toEqual([]);
        for (const count of counts) expect(thought).toContain(` ${count}`);
        if (question.operations.length > 0 || question.kind !== 'count')
          expect(conclusion(thought, sample), thought).toBe(answer);
      }
    }
  });

  it('begin with a sentence of what is seen', () => {
    for (const { question, counts } of SAMPLES) {
      const [first = ''] = FOREIGN_WORDS.first(question, counts).split('.');
      expect(first).toMatch(
        /^(?:in this picture (?:there (?:is|are) \d+|(?:row|column) \w has \d+)|take \d+)/,
      );
    }
  });
});

describe('glancedCounts', () => {
  it('reads what pocket’s own words say', () => {
    for (const { question, counts } of SAMPLES)
      expect(glancedCounts(question, ` ${OWN_WORDS.first(question, counts)} `)).toEqual(counts);
  });

  it('reads nothing from other thoughts, nor counts that lead out of the world', () => {
    const [counting] = SAMPLES.filter(({ kind }) => kind === 'count');
    const [taking] = SAMPLES.filter(({ kind }) => kind === 'take');
    if (!counting || !taking) throw new Error('both kinds are drawn');
    for (const thought of ['', 'ok', 'i see many objects.', 'i see 1 and 2 objects.', 'we see 3 objects.'])
      expect(glancedCounts(counting.question, thought), thought).toBeNull();
    const more = taking.question.start + 1;
    expect(answerOf(taking.question, [more]).startsWith('-') || taking.question.operations.length > 0).toBe(
      true,
    );
    expect(glancedCounts(taking.question, `i see ${more} objects.`)).toBeNull();
  });
});
