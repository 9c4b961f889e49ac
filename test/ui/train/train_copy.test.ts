// Words for what the state can say: problems and errors.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/lib/error_codes';
import { problemText, trainErrorCopy } from '../../../src/ui/train/train_copy';

describe('copy of the Train page', () => {
  it('says what a setting must be', () => {
    expect(problemText({ field: 'maxSteps', must: 'range' })).toBe(
      'Must be a whole number from 1 to 1000000.',
    );
    expect(problemText({ field: 'lora.targetModules', must: 'pattern' })).toBe(
      'Must be a regular expression.',
    );
    expect(problemText({ field: 'source', must: 'rows' })).toBe('This dataset is empty.');
  });

  it('says what helps for a run’s own errors, and falls back to the page’s words', () => {
    const error = (code: ErrorCode) => trainErrorCopy({ code, message: 'Step 5: loss.' });
    expect(error('train/not-finite').why).toContain('Step 5: loss. The adapter is kept');
    expect(error('gpu/no-adapter').title).toBe('No graphics device came back');
    expect(error('data/zip').title).toBe('This zip cannot be read');
    expect(error('train/other-device').steps).toHaveLength(1);
  });
});
