// How much of a prompt a cache holds: equal ids, equal images, no image cut.

import { describe, expect, it } from 'vitest';
import { CachedTokens, cachedPrefix } from '../../src/model/cached_prefix';
import type { ImageInput } from '../../src/model/prompt_packing';

const IMAGE = 9;
const picture = (tokens: number): ImageInput => ({
  pixelValues: new Float32Array(0),
  gridThw: [1, 1, tokens],
});
const [a, b] = [picture(2), picture(3)];
const tokensOf = ({ gridThw }: ImageInput): number => gridThw[2];
const prefix = (held: number[], inputIds: number[], heldImages: ImageInput[], images: ImageInput[]) =>
  cachedPrefix({ ids: held, images: heldImages }, { inputIds, images }, IMAGE, tokensOf);

describe('cachedPrefix', () => {
  it.each([
    ['nothing held', [], [1, 2], [], [], 0, 0],
    ['the same text leaves its last token to run', [1, 2, 3], [1, 2, 3], [], [], 2, 0],
    ['another text', [4, 2, 3], [1, 2, 3], [], [], 0, 0],
    ['a longer text', [1, 2], [1, 2, 5, 6], [], [], 2, 0],
    ['a shorter text', [1, 2, 5, 6], [1, 2], [], [], 1, 0],
    ['the same image', [1, 9, 9, 2], [1, 9, 9, 2, 3], [a], [a], 4, 1],
    ['another image of the same size', [1, 9, 9, 2], [1, 9, 9, 2, 3], [picture(2)], [a], 1, 0],
    ['an image in which the cache ends', [1, 9, 9], [1, 9, 9, 9, 2], [b], [b], 1, 0],
    ['an image with which the prompt ends', [1, 9, 9], [1, 9, 9], [a], [a], 1, 0],
    ['two images that touch', [9, 9, 9, 9, 9, 1], [9, 9, 9, 9, 9, 1, 2], [a, b], [a, b], 6, 2],
    [
      'two that touch, the second another',
      [9, 9, 9, 9, 9, 1],
      [9, 9, 9, 9, 9, 1, 2],
      [a, picture(3)],
      [a, b],
      2,
      1,
    ],
    ['a second image behind', [1, 9, 9, 2], [1, 9, 9, 2, 9, 9, 9, 4], [a], [a, b], 4, 1],
  ] as const)('%s', (_, held, inputIds, heldImages, images, length, used) => {
    const got = prefix([...held], [...inputIds], [...heldImages], [...images]);
    expect(got.length).toBe(length);
    expect(got.images).toEqual(images.slice(used));
  });

  it('does not trust a prompt that names more images than it brings', () => {
    expect(prefix([1, 9, 9, 2], [1, 9, 9, 2, 3], [], []).length).toBe(1);
  });
});

describe('CachedTokens', () => {
  it('holds a sampled token once the next one has come, and none after the end', () => {
    const held = new CachedTokens({ inputIds: [1, 2], images: [a] });
    held.sampled(5, false);
    expect(held.ids).toEqual([1, 2]);
    held.sampled(6, false);
    expect(held.ids).toEqual([1, 2, 5]);
    held.sampled(7, true);
    held.sampled(7, true);
    expect(held.ids).toEqual([1, 2, 5, 6]);
  });
});
