// Notes of any length up to the longest.
import { describe, expect, it } from 'vitest';
import { checkedNotes, MOST_NOTES } from '../../src/lib/notes';

describe('checkedNotes', () => {
  it('takes as many characters as there may be, and no more', () => {
    const longest = 'x'.repeat(MOST_NOTES);
    expect(checkedNotes(longest)).toBe(longest);
    expect(() => checkedNotes(`${longest}x`)).toThrow('Notes have at most 20000 characters.');
  });
});
