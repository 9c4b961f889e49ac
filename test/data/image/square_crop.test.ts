// The middle square of pictures of any shape.
import { expect, it } from 'vitest';
import { squareCrop } from '../../../src/data/image/square_crop';

it('takes the middle of the longer side, an odd pixel right or below', () => {
  expect(squareCrop(4, 2)).toEqual({ left: 1, top: 0, side: 2 });
  expect(squareCrop(5, 2)).toEqual({ left: 1, top: 0, side: 2 });
  expect(squareCrop(1, 4)).toEqual({ left: 0, top: 1, side: 1 });
  expect(squareCrop(3, 3)).toEqual({ left: 0, top: 0, side: 3 });
});
