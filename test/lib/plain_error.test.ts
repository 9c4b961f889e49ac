// What becomes of a thrown value: our own errors keep their code, everything else gets one.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/lib/errors';
import { plainError } from '../../src/lib/plain_error';

describe('plainError', () => {
  it('keeps code and data of our errors and survives structured clone', () => {
    const error = plainError(new ModelError('model/config', 'm', { a: 1, f: () => 2 }));
    expect(structuredClone(error)).toMatchObject({ code: 'model/config', message: 'm', data: { a: 1 } });
  });

  it('keeps one that crossed already, without what is not part of it', () => {
    const crossed = { code: 'train/busy', message: 'm', data: { n: 1 }, stack: 's' };
    expect(plainError(crossed)).toEqual({ code: 'train/busy', message: 'm', data: { n: 1 } });
    expect(plainError({ code: 'train/busy', message: 'm' })).toEqual({ code: 'train/busy', message: 'm' });
  });

  it('gives anything else a code', () => {
    expect(plainError(new TypeError('t'))).toEqual({ code: 'internal/unknown', message: 't' });
    expect(plainError('s')).toEqual({ code: 'internal/unknown', message: 's' });
    expect(plainError(null).code).toBe('internal/unknown');
    expect(plainError({}).code).toBe('internal/unknown');
    // A system's error, and one of a version that knew other codes.
    expect(plainError({ code: 'ENOENT', message: 'no file' })).toEqual({
      code: 'internal/unknown',
      message: 'no file',
    });
    expect(plainError({ code: 'gpu/lost', message: 'm' }).code).toBe('internal/unknown');
    expect(plainError(new DOMException('a', 'AbortError')).code).toBe('engine/cancelled');
    expect(plainError(new DOMException('full', 'QuotaExceededError'))).toEqual({
      code: 'internal/unknown',
      message: 'full',
    });
  });
});
