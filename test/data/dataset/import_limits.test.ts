// The limits of an import agree with what the engine decodes.
import { describe, expect, it } from 'vitest';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from '../../../src/data/image/picture_check';

describe('IMPORT_LIMITS', () => {
  it('admits the pictures that the engine decodes, inline ones too', () => {
    expect(IMPORT_LIMITS.maxImageBytes).toBe(MAX_IMAGE_BYTES);
    expect(IMPORT_LIMITS.maxImagePixels).toBe(MAX_IMAGE_PIXELS);
    // Base64 takes four bytes for three.
    expect(IMPORT_LIMITS.maxRowBytes).toBeGreaterThan((MAX_IMAGE_BYTES / 3) * 4);
    expect(IMPORT_LIMITS.maxTableBytes).toBeGreaterThan(IMPORT_LIMITS.maxRowBytes);
  });
});
