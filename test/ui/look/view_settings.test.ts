// The overlay's opacity stays within what can be seen, in steps that do not drift.
import { expect, it } from 'vitest';
import { changeOpacity, overlayOpacity } from '../../../src/ui/look/view_settings';

it('changes in clean steps and stops at both ends', () => {
  const start = overlayOpacity.value;
  overlayOpacity.value = 0.6;
  const seen: number[] = [];
  for (let press = 0; press < 12; press++) {
    changeOpacity(-0.1);
    seen.push(overlayOpacity.value);
  }
  expect(seen.slice(0, 3)).toEqual([0.5, 0.4, 0.3]);
  expect(seen.at(-1)).toBe(0.1);
  for (let press = 0; press < 12; press++) changeOpacity(0.1);
  expect(overlayOpacity.value).toBe(1);
  overlayOpacity.value = start;
});
