// What becomes of a thrown value: our own errors keep their code, everything else gets one.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/lib/errors';
import { plainError } from '../../src/lib/plain_error';

describe('plainError', () => {
  it('keeps code and data of our errors and survives structured clone', () => {
    const error = plainError(new ModelError('model/x', 'm', { a: 1, f: () => 2 }));
    expect(structuredClone(error)).toMatchObject({ code: 'model/x', message: 'm', data: { a: 1 } });
  });

  it('keeps one that crossed already, without what is not part of it', () => {
    const crossed = { code: 'a/b', message: 'm', data: { n: 1 }, stack: 's' };
    expect(plainError(crossed)).toEqual({ code: 'a/b', message: 'm', data: { n: 1 } });
    expect(plainError({ code: 'a/b', message: 'm' })).toEqual({ code: 'a/b', message: 'm' });
  });

  it('gives anything else a code', () => {
    expect(plainError(new TypeError('t'))).toEqual({ code: 'internal/unknown', message: 't' });
    expect(plainError('s')).toEqual({ code: 'internal/unknown', message: 's' });
    expect(plainError(null).code).toBe('internal/unknown');
    expect(plainError({}).code).toBe('internal/unknown');
    expect(plainError(new DOMException('a', 'AbortError')).code).toBe('engine/cancelled');
    expect(plainError(new DOMException('full', 'QuotaExceededError'))).toEqual({
      code: 'internal/unknown',
      message: 'full',
    });
  });
});
