// Orientations as Pillow's files state them, and files that only seem to.
import { describe, expect, it } from 'vitest';
import { exifOrientation, withoutOrientation } from '../../../src/data/image/exif_orientation';
import { loadPictureCases } from '../../harness/pictures';

describe('exifOrientation', () => {
  it('reads what EXIF says of a JPEG, PNG or WebP, and can be told otherwise', async () => {
    const seen = new Set<string>();
    for (const { name, file } of await loadPictureCases()) {
      const wanted = Number(/^orientation_(\d)/.exec(name)?.[1] ?? 1);
      if (wanted > 1) seen.add(name.slice(name.indexOf('.')));
      expect([name, exifOrientation(file)]).toEqual([name, wanted]);
      expect(exifOrientation(withoutOrientation(file))).toBe(1);
    }
    expect(seen).toEqual(new Set(['.jpg', '.png', '.webp']));
  });

  it('ends on files that are cut anywhere', async () => {
    for (const { file } of await loadPictureCases()) {
      for (let length = 0; length < Math.min(file.length, 400); length++)
        expect(exifOrientation(file.subarray(0, length))).toBeLessThanOrEqual(8);
    }
  });
});
