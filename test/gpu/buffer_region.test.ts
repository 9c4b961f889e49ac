// Alignment arithmetic of buffer ranges.
import { expect, it } from 'vitest';
import { alignUp, BINDING_ALIGNMENT } from '../../src/gpu/buffer_region';

it('rounds up to the next multiple, and leaves multiples alone', () => {
  const cases = [0, 1, 255, 256, 257, 2 ** 31 + 1].map((value) => alignUp(value, BINDING_ALIGNMENT));
  expect(cases).toEqual([0, 256, 256, 256, 512, 2 ** 31 + 256]);
  expect(alignUp(5, 4)).toBe(8);
});
