// How numbers and shapes are written in messages.
import { describe, expect, it } from 'vitest';
import { formatBytes, formatList, formatShape } from '../../src/lib/format';

describe('format', () => {
  it('writes shapes, sizes and lists', () => {
    expect(formatShape([])).toBe('[]');
    expect(formatShape([2, 3])).toBe('[2, 3]');
    expect(formatBytes(0)).toBe('0 B');
    expect(formatBytes(1023)).toBe('1023 B');
    expect(formatBytes(1536)).toBe('1.5 KiB');
    expect(formatBytes(3.7 * 2 ** 20)).toBe('3.7 MiB');
    expect(formatBytes(200 * 2 ** 30)).toBe('200 GiB');
    expect(formatBytes(2 ** 60)).toBe('1048576 TiB');
    expect(formatList(['a', 'b'], 2)).toBe('a, b');
    expect(formatList(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
  });
});
