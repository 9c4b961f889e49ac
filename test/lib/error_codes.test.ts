// The list of codes: each of the form `area/what`, and no text that is none of them is taken for one.
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, isErrorCode } from '../../src/lib/error_codes';

describe('error codes', () => {
  it('are distinct and of the form area/what', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
    expect(ERROR_CODES.filter((code) => !/^[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*$/.test(code))).toEqual([]);
  });

  it('are told from other texts', () => {
    expect(isErrorCode('gpu/device-lost')).toBe(true);
    for (const other of ['gpu/lost', 'ENOENT', '', null, 5]) expect(isErrorCode(other)).toBe(false);
  });
});
