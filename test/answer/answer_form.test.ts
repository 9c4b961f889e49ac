// answer_form: the strict form's truth table with the reason of each fault; hostile text in linear time.
import { describe, expect, it } from 'vitest';
import { readForm } from '../../src/answer/answer_form';
import { readAnswer } from '../../src/answer/answer_reading';
import { drawSample } from '../../src/data/world/world_sample';

const BOX = '\\boxed{5}';

describe('readForm', () => {
  it.each([
    ['good', `<think>a</think> <back>b</back> <think>c</think> ${BOX}`, 'back'],
    ['good with line breaks', `\n<think>a\n</think>\n<back>b</back>\n<think>c</think>\n${BOX}\n`, 'back'],
    [
      'two backs',
      `<think>a</think><back>b</back><think>c</think><back>d</back><think>e</think>${BOX}`,
      'back',
    ],
    ['words before the box', `<think>a</think> So the answer is ${BOX}`, 'cot'],
    ['chain of thought', `<think>a</think> ${BOX}`, 'cot'],
    ['empty back', `<think>a</think> <back></back> <think>c</think> ${BOX}`, 'none'],
    ['white back', `<think>a</think> <back> \n </back> <think>c</think> ${BOX}`, 'none'],
    ['unclosed back', `<think>a</think> <back>b <think>c</think> ${BOX}`, 'none'],
    ['no second thought', `<think>a</think> <back>b</back> ${BOX}`, 'none'],
    ['back inside a thought', `<think>a <back>b</back> c</think> ${BOX}`, 'none'],
    ['tag inside back', `<think>a</think> <back>b <think>x</think></back> <think>c</think> ${BOX}`, 'none'],
    ['box inside back', `<think>a</think> <back>${BOX}</back> <think>c</think> ${BOX}`, 'none'],
    ['no box', '<think>a</think> <back>b</back> <think>c</think> 5', 'none'],
    ['box only in the thought', `<think>${BOX}</think>`, 'none'],
    ['empty box', '<think>a</think> <back>b</back> <think>c</think> \\boxed{ }', 'none'],
    ['unbalanced box', '<think>a</think> \\boxed{5', 'none'],
    ['words after the box', `<think>a</think> ${BOX} or so`, 'none'],
    ['empty thought', `<think></think> ${BOX}`, 'none'],
    ['words between the blocks', `<think>a</think> hm <back>b</back> <think>c</think> ${BOX}`, 'none'],
    ['a stray closing back', `<think>a</think> </back> ${BOX}`, 'none'],
    ['nothing', '', 'none'],
  ])('%s', (_, text, format) => {
    expect(readForm(text).form).toBe(format);
  });

  it('gives the oracle’s own answers their form', () => {
    for (let index = 0; index < 50; index++) {
      const { oracle } = drawSample({ split: 'validation', seed: 3, index, textShare: 0.3 });
      expect(readForm(oracle.lookBack.solution).form).toBe('back');
      expect(readForm(oracle.cot).form).toBe('cot');
    }
  });

  it('takes hostile text in linear time', () => {
    // Backtracking over any of these would take minutes; 30 s is the test's own limit.
    for (const piece of [
      '<think>',
      '<back>',
      '</back>',
      '\\boxed{',
      '\\boxed{}',
      '}',
      '<think>a</think>',
      '<',
      '{',
    ]) {
      const text = piece.repeat(40_000);
      expect(['none', 'cot', 'back']).toContain(readForm(text).form);
      expect(readAnswer(text).backs.length).toBeLessThanOrEqual(40_000);
    }
  });
});

const WHOLE = '<think>a</think> <back>b</back> <think>c</think>';

describe('the end of a whole form', () => {
  it.each([
    '$\\boxed{12}$',
    '$$\\boxed{12}$$',
    '\\[\\boxed{12}\\]',
    '\\( \\boxed{12} \\).',
    '\\boxed{12}.',
    '**\\boxed{12}**',
    '**Answer: $\\boxed{12}$**.\n',
    '\\boxed{\\text{12}}。',
  ])('takes %s', (end) => {
    expect(readForm(`${WHOLE} ${end}`)).toMatchObject({ form: 'back', fault: null });
  });

  it.each([
    ['\\boxed{12} or so', 'There are words after the box.', ' or so'],
    ['\\boxed{12}$$$$$$$', 'There are words after the box.', '$$$$$$$'],
    ['\\boxed{12} \\boxed{', 'There are words after the box.', ' \\boxed{'],
    ['\\boxed{ }.', 'The box has nothing inside.', '\\boxed{ }'],
    ['\\boxed{12', 'The box is never closed.', ' \\boxed{12'],
    ['12', 'No box follows the last thought.', ' 12'],
    ['\\boxed{12} <back>d</back>', '<back> stands after the box.', '<back>'],
  ])('refuses %s and says why', (end, why, shown) => {
    const text = `${WHOLE} ${end}`;
    const { form, fault } = readForm(text);
    expect([form, fault?.why]).toEqual(['none', why]);
    expect(text.slice(fault?.span?.start, fault?.span?.end)).toBe(shown);
  });
});

describe('the first fault', () => {
  it.each([
    ['', 'The answer ends where <think> has to stand.'],
    ['hm <think>a</think>', 'There are words where <think> has to stand.'],
    ['<back>a</back>', 'There is <back> where <think> has to stand.'],
    ['<think> </think>', '<think> has nothing inside.'],
    ['<think>a', '<think> is never closed.'],
    ['<think>a<back>b</back>', '<back> stands where <think> has not been closed.'],
    ['<think>a</think><think>b</think>', '<think> stands where <back> or the box has to stand.'],
    ['<think>a</think><back>\\boxed{1}</back>', 'A box stands inside <back>.'],
    ['<think>a</think>', 'No box follows the last thought.'],
    ['<think>a</think> hm <back>b</back>', '<back> stands after words outside of all tags.'],
  ])('of %j', (text, why) => {
    expect(readForm(text).fault?.why).toBe(why);
  });
});
