// Words for what goes wrong with a run: its own where it has some, else those of the page.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/lib/error_codes';
import { trainErrorCopy } from '../../../src/ui/train/train_error_copy';

describe('words for an error of a run', () => {
  it('say what helps for a run’s own errors, and fall back to the page’s', () => {
    const error = (code: ErrorCode) => trainErrorCopy({ code, message: 'Step 5: loss.' });
    expect(error('train/not-finite').why).toContain('Step 5: loss. The adapter is kept');
    expect(error('gpu/no-adapter').title).toBe('No graphics device came back');
    expect(error('data/zip').title).toBe('This zip cannot be read');
    expect(error('train/other-device').steps).toHaveLength(1);
  });
});
