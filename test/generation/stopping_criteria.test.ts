// StoppingCriteria: which reason wins, and what is refused.
import { describe, expect, it } from 'vitest';
import { StoppingCriteria } from '../../src/generation/stopping_criteria';

describe('StoppingCriteria', () => {
  it('prefers the end token over the limit and the limit over a wish', () => {
    const controller = new AbortController();
    const criteria = new StoppingCriteria({
      eosTokenIds: [7, 9],
      maxNewTokens: 3,
      signal: controller.signal,
    });
    expect(criteria.after(1, 1)).toBeNull();
    expect(criteria.after(9, 3)).toBe('eos');
    expect(criteria.after(1, 3)).toBe('length');
    controller.abort();
    expect(criteria.after(7, 1)).toBe('eos');
    expect(criteria.after(1, 1)).toBe('stopped');
    expect(criteria.after(1, 3)).toBe('length');
  });

  it('tells end tokens from others', () => {
    const criteria = new StoppingCriteria({ eosTokenIds: [7], maxNewTokens: 1 });
    expect([criteria.isEnd(7), criteria.isEnd(8)]).toEqual([true, false]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a limit of %s', (maxNewTokens) => {
    expect(() => new StoppingCriteria({ eosTokenIds: [], maxNewTokens })).toThrow(/maxNewTokens/);
  });
});
