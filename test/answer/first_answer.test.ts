// first_answer: what the first thought arrives at, and which way a look back turned it.
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../src/answer/answer_reading';
import { turnOf } from '../../src/answer/first_answer';

const turn = (thought: string, box: string, expected: string) =>
  turnOf(
    readAnswer(`<think> ${thought} </think> <back> a look </back> <think> so. </think> \\boxed{ ${box} }`),
    expected,
  );

describe('turnOf', () => {
  it.each([
    ['a sum', 'i see 3. 9 - 3 = 6.', '7', '7', { before: false, after: true }],
    ['a last number', 'i see 2 red squares.', '3', '2', { before: true, after: false }],
    ['a box', 'it is \\boxed{ 4 }, of 9.', '4', '4', { before: true, after: true }],
    ['a boxed word', 'so \\boxed{ yes }', 'no', 'no', { before: false, after: true }],
  ])('reads %s', (_, thought, box, expected, found) => {
    expect(turn(thought, box, expected)).toEqual(found);
  });

  it('takes no number of a thought for a word that is expected', () => {
    expect(turn('i see 3 red squares. 3 > 0.', 'yes', 'yes')).toBeNull();
    expect(turn('row a 2 > row c 1.', 'row a', 'row a')).toBeNull();
  });

  it('judges nothing without a look back, or before any thought', () => {
    expect(turnOf(readAnswer('<think> 3 </think> \\boxed{ 3 }'), '3')).toBeNull();
    expect(turnOf(readAnswer('<back> 3 </back> <think> 3 </think> \\boxed{ 3 }'), '3')).toBeNull();
  });

  it('judges by the grader that is named', () => {
    const reading = readAnswer('<think> \\boxed{ 3 cm } </think> <back> a </back> \\boxed{ 3 }');
    expect(turnOf(reading, '3', 'strict')?.before).toBe(false);
    expect(turnOf(reading, '3', 'method')?.before).toBe(true);
  });
});
