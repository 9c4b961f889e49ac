// Which answers with a look put in may become examples, and why others may not.

import { describe, expect, it } from 'vitest';
import { rejectionsOf, tripleOverlap } from '../../../src/lookback/cold_start/quality_filter';

const OPENING = '<think> I see 2 red cups on the table. </think>';
const GOOD = `${OPENING} <back> The left one, the middle one, and a third behind the jug. </back> <think> So 3. </think> \\boxed{3}`;
const rules = (text: string, expected = '3') =>
  rejectionsOf({ text, opening: OPENING, expected }).map(({ rule }) => rule);

describe('rejectionsOf', () => {
  it.each([
    ['a good one', GOOD, []],
    ['white space that differs', GOOD.replaceAll(' ', '\n'), []],
    [
      'several looks',
      GOOD.replace('\\boxed', '<back> Yes, the third is red. </back> <think> Yes. </think> \\boxed'),
      [],
    ],
    ['a plain chain', `${OPENING} \\boxed{3}`, ['form']],
    ['no box', GOOD.replace(' \\boxed{3}', ''), ['form', 'answer']],
    ['a wrong box', GOOD.replace('{3}', '{4}'), ['answer']],
    ['another thought', GOOD.replace('2 red', 'three red'), ['opening']],
    ['an empty look', GOOD.replace(/<back>.*<\/back>/, '<back> </back>'), ['form']],
    ['a look of one word', GOOD.replace(/<back>.*<\/back>/, '<back> Checked. </back>'), ['empty']],
    [
      'a repeated thought',
      GOOD.replace(/<back>.*<\/back>/, '<back> I see 2 red cups on the table. </back>'),
      ['copy'],
    ],
    ['a leak', GOOD.replace('behind the jug', 'as the correct answer says'), ['leak']],
    ['a box inside the look', GOOD.replace('behind the jug', '\\boxed{3}'), ['form']],
  ] as const)('%s', (_, text, broken) => expect(rules(text)).toEqual(broken));

  it('says what the box holds and what is right', () => {
    const [rejection] = rejectionsOf({ text: GOOD, opening: OPENING, expected: '5' });
    expect(rejection).toEqual({ rule: 'answer', why: 'The box holds 3; 5 is right.' });
  });

  it('takes linear time over a hostile look', () => {
    const hostile = GOOD.replace('behind the jug', 'a '.repeat(200_000));
    expect(rules(hostile)).toEqual([]);
  });
});

describe('tripleOverlap', () => {
  it('is the share of word triples that the other text holds', () => {
    expect(tripleOverlap('a b c d', 'x a b c')).toBe(0.5);
    expect(tripleOverlap('a b', 'a b')).toBe(0);
    expect(tripleOverlap('A b  c', 'a b c')).toBe(1);
  });
});
