// Words for everything that the state can say: fields, options, problems, errors.
import { describe, expect, it } from 'vitest';
import { FIELD_IDS, FIELDS } from '../../../src/state/train_form';
import { FIELD_COPY, OPTION_COPY, problemText, trainErrorCopy } from '../../../src/ui/train/train_copy';

describe('copy of the Train page', () => {
  it('tells fields apart by their labels', () => {
    const labels = FIELD_IDS.map((id) => FIELD_COPY[id].label);
    expect(new Set(labels).size).toBe(labels.length);
  });

  it('has words for every option, different within a field', () => {
    for (const id of FIELD_IDS) {
      const field = FIELDS[id];
      if (field.kind !== 'choice') continue;
      const words = field.options.map((option) => OPTION_COPY[`${id}:${option}`] ?? OPTION_COPY[option]);
      expect(words, id).not.toContain(undefined);
      expect(new Set(words).size, id).toBe(words.length);
    }
  });

  it('names the range of a number', () => {
    expect(problemText({ field: 'maxSteps', must: 'range' }, { low: 1, high: 9 })).toBe(
      'Must be from 1 to 9.',
    );
  });

  it('says what helps for a run’s own errors, and falls back to the page’s words', () => {
    const error = (code: string) => trainErrorCopy({ code, message: 'Step 5: loss.' });
    expect(error('train/not-finite').why).toContain('Step 5: loss. The adapter is kept');
    expect(error('gpu/no-adapter').title).toBe('No graphics device came back');
    expect(error('data/zip').title).toBe('This zip cannot be read');
    expect(error('something/new').why).toBe('Step 5: loss.');
  });
});
