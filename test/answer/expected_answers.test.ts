// Several right answers in one text: what is a list of answers and what is none, and the way there and back.
import { describe, expect, it } from 'vitest';
import { gradeAnswer } from '../../src/answer/answer_grading';
import { expectedAnswers, expectedText, expectedWords } from '../../src/answer/expected_answers';

describe('expectedAnswers', () => {
  it.each<[string, readonly string[]]>([
    ['3', ['3']],
    ['["3", "three"]', ['3', 'three']],
    [' [ "a" ] ', ['a']],
    ['["say \\"no\\"","\\u00e9"]', ['say "no"', 'é']],
    // One answer as it stands: numbers, mixed and blank items, broken JSON, text behind the list.
    ...['[1, 2]', '["a", 1]', '["a", ""]', '["a", ["b"]]', '["a"', '["a"] or so', '[]', '', '["a",]'].map(
      (text): [string, readonly string[]] => [text, [text]],
    ),
  ])('of %j', (expected, answers) => {
    expect(expectedAnswers(expected)).toEqual(answers);
  });

  it('comes back from the text that is written for it', () => {
    for (const answers of [['3', 'three'], ['say "no"', '\\frac{1}{2}'], ['one']])
      expect(expectedAnswers(expectedText(answers))).toEqual(answers);
    expect(expectedText(['one'])).toBe('one');
    expect(expectedWords('["3", "three"]')).toBe('3 or three');
  });

  it('stays linear in a text that only begins like a list', () => {
    const deep = `["a",${'['.repeat(200_000)}`;
    expect(expectedAnswers(deep)).toEqual([deep]);
  });
});

describe('grading against several right answers', () => {
  it('takes any of them, each by the grader that it asks for, and names the rule of the one that decided', () => {
    const grade = (answer: string | null) => gradeAnswer(answer, '["3", "a red hat"]');
    expect(grade('3 cm')).toMatchObject({ equal: true, grader: 'method' });
    expect(grade('A red hat.')).toMatchObject({ equal: true, grader: 'strict' });
    expect(grade('4').equal).toBe(false);
    expect(grade(null)).toMatchObject({ equal: false, rule: 'no answer' });
    expect(gradeAnswer('3 cm', '["3", "three"]', 'strict').equal).toBe(false);
    // The list itself is no answer.
    expect(gradeAnswer('["3", "a red hat"]', '["3", "a red hat"]').equal).toBe(false);
  });
});
