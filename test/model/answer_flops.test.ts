// answer_flops: operations of a model so small that they are counted by hand.
import { describe, expect, it } from 'vitest';
import { answerFlops } from '../../src/model/answer_flops';
import { SMALL_SPEC } from '../lookback/scripted_model';

describe('answerFlops', () => {
  const tokens = { promptTokens: 3, imageTokens: 1, generatedTokens: 2 };

  it('adds up matrix products, two operations for each multiply and add', () => {
    // A token: q, k, v and o of 2 × 2, gate, up and down of 2 × 3. Three of the prompt and the first generated one.
    const linear = 4 * 2 * (4 * 4 + 3 * 6);
    // Token t attends to t positions: 1 + 2 + 3 + 4 scores and sums of width 2.
    const attention = 10 * 2 * (2 + 2);
    const head = 2 * 2 * 2 * 5;
    // Four patches of 12 numbers; q, k, v and o, an MLP of two layers of 2 × 4; all patches see all.
    const vision = 4 * 2 * (12 * 2 + 4 * 4 + 2 * 8) + 4 * 4 * 2 * (2 + 2);
    // Four patches of 2 become one token of 2.
    const connector = 2 * 8 * 2;
    expect(answerFlops(SMALL_SPEC, tokens)).toBe(linear + attention + head + vision + connector);
  });

  it('grows by one reading and one output for each token more', () => {
    const more = answerFlops(SMALL_SPEC, { ...tokens, generatedTokens: 3 }) - answerFlops(SMALL_SPEC, tokens);
    expect(more).toBe(2 * 34 + 5 * 2 * 4 + 2 * 2 * 5);
  });
});
