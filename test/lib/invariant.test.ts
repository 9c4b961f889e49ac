// A broken invariant is an error of its own kind.
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/lib/errors';
import { defined, invariant, unreachable } from '../../src/lib/invariant';

describe('invariant', () => {
  it('throws InvariantError only when broken', () => {
    expect(() => invariant(1, 'fine')).not.toThrow();
    expect(() => invariant(0, 'broken')).toThrow(InvariantError);
    expect(defined(0, 'zero')).toBe(0);
    expect(() => defined(undefined, 'slot 3')).toThrow('slot 3 is missing');
    expect(() => unreachable('x' as never, 'kind')).toThrow('unexpected kind: x');
  });
});
