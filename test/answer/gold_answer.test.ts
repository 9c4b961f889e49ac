// gold_answer: where an expected answer is found in a row's text, and prose in which there is none.
import { describe, expect, it } from 'vitest';
import { readGoldAnswer } from '../../src/answer/gold_answer';

describe('readGoldAnswer', () => {
  it.each([
    ['Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nShe sold 48+24 = 72.\n#### 72', '72', 'final line'],
    ['#### 1,200\n', '1,200', 'final line'],
    ['So the sum is \\boxed{72}.', '72', 'box'],
    ['\\boxed{4} or rather \\boxed{\\frac{1}{2}}', '\\frac{1}{2}', 'box'],
    ['<think>…</think><answer> 72 </answer>', '72', 'answer tag'],
    ['We add both.\nAnswer: 72', '72', 'answer phrase'],
    ['We add both. The answer is 72.', '72', 'answer phrase'],
    ['We add both. The final answer is: 7.5', '7.5', 'answer phrase'],
    ['**Answer:** (B)', '(B)', 'answer phrase'],
    ['The answer is 72. We are done with it now.', '72', 'answer phrase'],
    ['72', '72', 'whole text'],
    ['red square', 'red square', 'whole text'],
    ['A red hat.', 'A red hat.', 'whole text'],
    ['B. 12 cm', 'B. 12 cm', 'whole text'],
  ])('of %s is %s', (text, answer, rule) => {
    expect(readGoldAnswer(text)).toEqual({ answer, rule });
  });

  it.each([
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    ['First we count the squares, then we add them up.', 'prose without a recognisable answer'],
    ['We count the squares.\nThen we add them.', 'prose without a recognisable answer'],
    ['The answer depends on how the squares are counted, so we count them all once more.', 'prose'],
    ['So it is \\boxed{}', 'its box is empty or never closed'],
    ['So it is \\boxed{4', 'its box is empty or never closed'],
  ])('has none in %j', (text, reason) => {
    const read = readGoldAnswer(text);
    expect(read.answer).toBeUndefined();
    expect(read.reason).toContain(reason);
  });

  it.each(['answer ', 'answer is ', '#### ', '<answer>', '\\boxed{', ' ', 'Answer: \n'])(
    'takes a long text of %j',
    (piece) => {
      // Quadratic work would take minutes; 30 s is the test's own limit.
      expect(readGoldAnswer(piece.repeat(40_000))).toBeTypeOf('object');
    },
  );
});
