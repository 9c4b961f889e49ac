// How rows name the files of their pictures.
import { describe, expect, it } from 'vitest';
import { readImagePath } from '../../../src/data/dataset/image_path';

describe('readImagePath', () => {
  it.each([
    ['a.png', 'a.png', false],
    [' ./a//b/../c.png ', 'a/c.png', false],
    ['..\\img\\a.png', '../img/a.png', false],
    ['../../a.png', '../../a.png', false],
    ['a%20b.png', 'a%20b.png', false],
    ['/data/u/data/a.png', 'data/u/data/a.png', true],
    ['/a/../../b.png', 'b.png', true],
    ['~/data/a.png', 'data/a.png', true],
    ['C:\\Users\\u\\a.png', 'Users/u/a.png', true],
    ['d:/x/a.png', 'x/a.png', true],
    ['\\\\server\\share\\a.png', 'server/share/a.png', true],
    ['file:///data/u/a%20b.png', 'data/u/a b.png', true],
    ['file://localhost/C:/x/a.png', 'x/a.png', true],
    ['FILE:/x/100%.png', 'x/100%.png', true],
  ])('%j → %j', (text, path, absolute) => expect(readImagePath(text)).toEqual({ path, absolute }));

  it.each([
    ['https://x.org/a.png', 'is on the network'],
    ['s3://bucket/a.png', 'is on the network'],
    ['a\0.png', 'NUL'],
    ['a/', 'is a folder'],
    ['..', 'is a folder'],
    ['C:\\', 'is a folder'],
    ['/', 'is a folder'],
  ])('refuses %j', (text, reason) =>
    expect(readImagePath(text)).toMatchObject({ reason: expect.stringContaining(reason) }),
  );
});
