// Addresses of the Look page: what is written comes back, a first visit writes nothing, and what cannot be used is left out.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LookAddress, readAddress, writeAddress } from '../../src/state/look_address';
import { DEFAULT_SETTINGS } from '../../src/state/settings';

const NOTHING: LookAddress = { settings: {}, question: null, example: null, steps: null, trace: null };

describe('an address', () => {
  it('brings back settings, question, example, steps and a packed answer', () => {
    const address: LookAddress = {
      settings: { mode: 'plain', temperature: 0.5, seed: 7, maxNewTokens: 20, maxImageTokens: 256 },
      question: 'How many? Add 4 & 5 = 9 #1',
      example: 'full_sheet.png',
      steps: { from: 2, to: 8 },
      trace: '1.ab-_9',
    };
    const written = writeAddress(address);
    expect(written).toMatch(/^#\/look\?trace=1\.ab-_9&mode=plain&.*&steps=3-9$/);
    expect(readAddress(written)).toEqual(address);
    const one = { ...NOTHING, steps: { from: 4, to: 4 } };
    expect(writeAddress(one)).toBe('#/look?steps=5');
    expect(readAddress('#/look?steps=5')).toEqual(one);
  });

  it('is that of the page alone on a first visit, and says nothing of other pages', () => {
    expect(writeAddress({ ...NOTHING, settings: DEFAULT_SETTINGS, question: ' ' })).toBe('#/look');
    expect(readAddress('#/look')).toEqual(NOTHING);
    expect(readAddress('#/data?seed=7')).toEqual(NOTHING);
  });

  it('leaves out what cannot be used', () => {
    const hash = `#/look?mode=evil&temperature=9&seed=-1&maxNewTokens=x&maxImageTokens=&steps=0-2&question=${'a'.repeat(2001)}`;
    expect(readAddress(hash)).toEqual(NOTHING);
    expect(readAddress('#/look?steps=9-3').steps).toBeNull();
    expect(writeAddress({ ...NOTHING, settings: { seed: -1 } })).toBe('#/look');
  });

  it('takes any text for a question and anything for an address', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (question) => {
        const back = readAddress(writeAddress({ ...NOTHING, question })).question;
        expect(back).toBe(question.trim() === '' ? null : question);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void readAddress(`#/look?${text}`)));
  });
});
