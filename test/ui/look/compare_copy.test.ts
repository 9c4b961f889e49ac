// The text twin of a comparison: answers, judgements and both figures of each, none of them invented.
import { describe, expect, it } from 'vitest';
import type { SideReading } from '../../../src/state/compare';
import { compareSentence, ratioText } from '../../../src/ui/look/compare_copy';

const BASE: SideReading = { status: 'finished', boxed: '4', right: false, back: null, lateThink: 0.12 };
const TUNED: SideReading = { status: 'finished', boxed: '5', right: true, back: 0.41, lateThink: 0.152 };

describe('compareSentence', () => {
  it('says what each answered and how each attended', () => {
    expect(compareSentence(BASE, { label: 'Counts × 1', reading: TUNED })).toBe(
      'Base model answers 4, which is wrong: 12 % of its attention is on the image late in its thought, and it ' +
        'does not look back. Counts × 1 answers 5, which is right: 41 % of its attention is on the image inside ' +
        'back, 2.7 times the 15 % late in its thought.',
    );
  });

  it('judges nothing where the truth is not known, and claims no figure that is missing', () => {
    const unknown: SideReading = {
      status: 'finished',
      boxed: null,
      right: null,
      back: null,
      lateThink: null,
    };
    expect(compareSentence(unknown, { label: 'A', reading: null })).toBe(
      'Base model gives no answer in a box: it neither thinks nor looks back in tags.',
    );
    const backOnly = { ...TUNED, right: null, lateThink: null };
    expect(compareSentence(BASE, { label: 'A', reading: backOnly })).toContain(
      'A answers 5: 41 % of its attention is on the image inside back; it has no closed thought.',
    );
  });

  it('tells answers that go on or broke', () => {
    expect(compareSentence({ ...BASE, status: 'running' }, { label: 'A', reading: null })).toBe(
      'Base model is still answering.',
    );
    expect(compareSentence(BASE, { label: 'A', reading: { ...TUNED, status: 'failed' } })).toContain(
      'A did not finish',
    );
    expect(compareSentence(null, { label: 'A', reading: null })).toBe('');
  });
});

describe('ratioText', () => {
  it('divides only what is there', () => {
    expect(ratioText({ back: 0.3, lateThink: 0.1 })).toBe('3.0');
    expect(ratioText({ back: 0.3, lateThink: 0 })).toBeNull();
    expect(ratioText({ back: null, lateThink: 0.1 })).toBeNull();
  });
});
