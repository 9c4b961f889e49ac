// reflection: the strict format's truth table, boxes; and hostile text in linear time.
import { describe, expect, it } from 'vitest';
import { extractBoxed, reasoningFormat, reflect } from '../../src/answer/reflection';
import { drawSample } from '../../src/data/world/shapes_world';

const BOX = '\\boxed{5}';

describe('reasoningFormat', () => {
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
    expect(reasoningFormat(text)).toBe(format);
  });

  it('gives the oracle’s own answers their form', () => {
    for (let index = 0; index < 50; index++) {
      const { oracle } = drawSample({ split: 'validation', seed: 3, index, textShare: 0.3 });
      expect(reasoningFormat(oracle.lookBack)).toBe('back');
      expect(reasoningFormat(oracle.cot)).toBe('cot');
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
      const text = piece.repeat(200_000);
      expect(['none', 'cot', 'back']).toContain(reasoningFormat(text));
      expect(reflect(text).backs.length).toBeLessThanOrEqual(200_000);
    }
  });
});

describe('extractBoxed', () => {
  it.each([
    ['a \\boxed{1} b \\boxed{ 2 }', '2'],
    ['\\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
    ['\\boxed{3} and \\boxed{4', '3'],
    ['\\boxed{}', null],
    ['none', null],
    ['\\boxed{1', null],
  ])('%s', (text, content) => {
    expect(extractBoxed(text)).toBe(content);
  });
});

describe('reflect', () => {
  it('reads backs, triggers and the answer', () => {
    const text = `<think>a</think><back> </back><think>c</think><back>d</back><think>e</think>${BOX}`;
    expect(reflect(text)).toEqual({
      format: 'none',
      triggered: true,
      emptyBack: true,
      backs: [' ', 'd'],
      answer: '5',
    });
  });

  it('takes no answer from inside a back', () => {
    expect(reflect('<think>a</think><back>\\boxed{9}</back>').answer).toBeNull();
    expect(reflect('\\boxed{1}<back>\\boxed{9}').answer).toBe('1');
  });

  it('counts an unclosed back as triggered, not as empty', () => {
    expect(reflect('<think>a</think><back>')).toMatchObject({ triggered: true, emptyBack: false, backs: [] });
  });
});
