// What the live region says.
import { describe, expect, it } from 'vitest';
import { announcement } from '../../../src/ui/train/announcements';

describe('announcement', () => {
  it('is one sentence per piece of news', () => {
    expect(announcement(null)).toBe('');
    expect(announcement({ kind: 'state', state: 'paused', step: 4, of: 20 })).toBe('Paused, step 4 of 20.');
    expect(announcement({ kind: 'evaluated', step: 10, correct: 3, of: 4 })).toBe(
      'Evaluated at step 10: 3 of 4 answers right.',
    );
    expect(announcement({ kind: 'evaluated', step: 10, correct: 0, of: 0 })).toBe('Evaluated at step 10.');
    expect(announcement({ kind: 'saved', name: 'Mine' })).toBe('Adapter saved as Mine.');
    expect(announcement({ kind: 'deleted', bytes: 2048 })).toBe('Run deleted; 2.0 KiB freed.');
  });
});
