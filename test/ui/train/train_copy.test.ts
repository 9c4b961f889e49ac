// Words for what keeps a plan from being started.
import { describe, expect, it } from 'vitest';
import { problemText } from '../../../src/ui/train/train_copy';

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
});
