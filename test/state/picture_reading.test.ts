// What is read of a chosen picture, and the words for those that there is no room for.
import { encode } from 'fast-png';
import { expect, it } from 'vitest';
import type { Picture } from '../../src/state/look_picture';
import { leftOut, readPicture } from '../../src/state/picture_reading';

const PIXEL = new Blob([
  new Uint8Array(encode({ width: 1, height: 1, data: new Uint8Array(3), channels: 3 })),
]);
const reader = { decode: async () => ({}) as ImageBitmap, seenCells: async () => null };

it('waits for a picture that is still being fetched, and says which one failed', async () => {
  const read = await readPicture(reader, { source: Promise.resolve(PIXEL), name: 'p.png' });
  expect(read).toMatchObject({ blob: PIXEL, name: 'p.png', questions: [], seen: null });
  const undecodable = { ...reader, decode: () => Promise.reject(new Error('no')) };
  await expect(readPicture(undecodable, { source: PIXEL, name: 'q.png' })).rejects.toThrow('q.png');
  const gone = Promise.reject(new Error('gone'));
  await expect(readPicture(reader, { source: gone, name: 'r.png' })).rejects.toThrow('gone');
});

it('names what is left out, and why', () => {
  const named = (name: string) => ({ name }) as Picture;
  expect(leftOut([], 4)).toBeNull();
  expect(leftOut([named('a'), named('b')], 4)?.message).toBe(
    'A question is about at most 4 pictures. Left out: a, b.',
  );
  expect(leftOut([named('a')], 1)?.message).toMatch(
    /^This model looks at one picture at a time.* Left out: a\.$/,
  );
});
