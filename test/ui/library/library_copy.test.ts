// Sentences with numbers on the Library page.
import { describe, expect, it } from 'vitest';
import { effectSentence, LIBRARY_COPY, metricText, newsSentence } from '../../../src/ui/library/library_copy';

describe('newsSentence', () => {
  it('names what was done to what', () => {
    expect(newsSentence({ kind: 'deleted', item: 'run', name: 'R', bytes: 2048 })).toBe(
      'Run “R” was deleted; 2.0 KiB are free again.',
    );
    expect(newsSentence({ kind: 'imported', name: 'A' })).toBe('“A” was imported.');
    expect(newsSentence({ kind: 'renamed', name: 'B' })).toBe('“B” was saved.');
  });
});

describe('metricText', () => {
  it('keeps three significant digits and claims none for what is no number', () => {
    expect([0.61234, 12.345, 1234.5, 0, -0.00012345, 0.5].map(metricText)).toEqual([
      ...['0.612', '12.3', '1235', '0', '-0.000123', '0.5'],
    ]);
    expect(metricText(Number.NaN)).toBe('–');
  });
});

describe('storage', () => {
  it('says about how much room there is, only where that is known', () => {
    expect(LIBRARY_COPY.storageUsed(1024, 2048)).toBe('1.0 KiB used of about 2.0 KiB');
    expect(LIBRARY_COPY.storageUsed(1024, 0)).toBe('1.0 KiB used');
  });
});

describe('effectSentence', () => {
  it('names the run and says whether it can go on', () => {
    expect(effectSentence({ run: 'R', effect: 'live' })).toMatch(/“R” is reading it now: pause or stop/);
    expect(effectSentence({ run: 'R', effect: 'lost' })).toMatch(/“R” cannot be resumed without it/);
    expect(effectSentence({ run: 'R', effect: 'kept' })).toMatch(/“R” .* can still be resumed/);
  });
});
