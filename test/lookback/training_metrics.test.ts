// Metrics of sampled completions: rates by hand, keys that stay away, and which answer a first thought arrives at.
import { describe, expect, it } from 'vitest';
import type { AttentionPhases } from '../../src/answer/attention_phases';
import { type CompletionSample, completionMetrics } from '../../src/lookback/training_metrics';

const BACK = '<back>check the red squares: one at a1 one at b2</back>';
const NO_PHASES: AttentionPhases = { early: null, late: null, inBack: null, backPeak: null, afterBack: null };

/** A completion whose tokens are words. */
function completion(text: string, changes: Partial<CompletionSample> = {}): CompletionSample {
  const countTokens = (start: number, end: number): number =>
    text.slice(start, end).trim().split(/\s+/).length;
  return { text, expected: '12', truncated: false, length: 9, countTokens, ...changes };
}

/** Looked back from `thought`, then boxed `answer`. */
function lookedBack(thought: string, answer: string, back = BACK): string {
  return `<think>${thought}</think> ${back} <think>so 2.</think> \\boxed{${answer}}`;
}

describe('completionMetrics', () => {
  it('has nothing to say about nothing', () => {
    expect(completionMetrics([])).toEqual({});
  });

  it('leaves out what no completion has', () => {
    expect(completionMetrics([completion('<think>9 + 3 = 12.</think> \\boxed{12}')])).toEqual({
      'look_back/trigger_rate': 0,
      'look_back/empty_back_rate': 0,
      'look_back/strict_format_rate': 0,
    });
  });

  it('counts triggers, empty and strict backs, lengths and turns', () => {
    const metrics = completionMetrics([
      completion(lookedBack('i see 3. 10 + 3 = 13.', '12')),
      completion(lookedBack('i see 2. 10 + 2 = 12.', '13')),
      completion(lookedBack('10 + 2 = 12.', '12', '<back> </back>')),
      completion(lookedBack('hm', '12'), { truncated: true }),
      completion('<think>10 + 2 = 12.</think> <back>check the'),
      completion('<think>10 + 2 = 12.</think> \\boxed{12}'),
      completion('<think>10 + 2 = 12.</think> \\boxed{12}'),
      completion('<think>10 + 2'),
    ]);
    expect(metrics).toEqual({
      'look_back/trigger_rate': 5 / 8,
      'look_back/empty_back_rate': 1 / 8,
      'look_back/strict_format_rate': 2 / 8,
      // Three backs of ten words and an empty one.
      'look_back/back_length': 30 / 4,
      'look_back/looks': 1,
      // Of four that had an answer before they looked; the cut one ends without any.
      'look_back/wrong_to_right': 1 / 4,
      'look_back/right_to_wrong': 2 / 4,
    });
  });

  it('averages attention over the completions that have the phase', () => {
    const text = lookedBack('hm', '12');
    const metrics = completionMetrics([
      completion(text, {
        attention: { ...NO_PHASES, late: 0.1, inBack: 0.4, backPeak: 0.9, afterBack: 0.2 },
      }),
      completion(text, { attention: { ...NO_PHASES, late: 0.3, inBack: 0.2, backPeak: 0.9 } }),
      completion('<think>hm</think> \\boxed{1}', { attention: { ...NO_PHASES, late: 0.8 } }),
      completion(text),
    ]);
    expect(metrics['look_back/image_attention_before']).toBeCloseTo(0.2, 12);
    expect(metrics['look_back/image_attention_inside']).toBeCloseTo(0.3, 12);
    expect(metrics['look_back/image_attention_after']).toBeCloseTo(0.2, 12);
  });

  it.each([
    ['the last result', 'i see 3. 12 - 3 = 9. 9 + 3 = 12.', true],
    ['not the first result', '10 + 2 = 12. 12 + 1 = 13.', false],
    ['a result over a later number', '10 + 2 = 12. checked 2 times', true],
    ['a box over a result', 'if 1 + 1 = 2 then \\boxed{12}', true],
    ['the last number', 'i see 3, no, 12 objects', true],
    ['no cell’s digit', '12 objects, the last in c3', true],
    ['no minus between numbers', 'the range is 5-12', true],
    ['a sign of its own', '5 - 17 = -12', false],
  ])('takes %s', (_, thought, right) => {
    // A wrong box, so that a right candidate shows as a turn for the worse.
    const metrics = completionMetrics([completion(lookedBack(thought, '0'))]);
    expect(metrics['look_back/right_to_wrong']).toBe(Number(right));
    expect(metrics['look_back/wrong_to_right']).toBe(0);
  });

  it.each([
    ['no candidate', lookedBack('it is red', '12')],
    ['no thought before the back', `${BACK} <think>10 + 2 = 12.</think> \\boxed{12}`],
    ['an unclosed thought', `<think>10 + 2 = 12. ${BACK} \\boxed{12}`],
  ])('counts no turn with %s', (_, text) => {
    const metrics = completionMetrics([completion(text)]);
    expect(metrics['look_back/trigger_rate']).toBe(1);
    expect(Object.keys(metrics)).not.toContain('look_back/wrong_to_right');
    expect(Object.keys(metrics)).not.toContain('look_back/right_to_wrong');
  });
});
