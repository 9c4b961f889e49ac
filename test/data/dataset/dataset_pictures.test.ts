// Pictures checked by a few of their bytes: type, size, completeness.
import { describe, expect, it } from 'vitest';
import { openFiles, type SourceFile } from '../../../src/data/dataset/dataset_files';
import { checkPicture, checkPictureFile, decodeBase64 } from '../../../src/data/dataset/dataset_pictures';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { ProblemList } from '../../../src/data/dataset/import_problems';
import { buildZip, sampleFile, samplePng } from './dataset_samples';

async function fileOf(content: Uint8Array, zipped = false): Promise<SourceFile> {
  const files = zipped
    ? [sampleFile('a.zip', buildZip([{ name: 'x', data: content }]))]
    : [sampleFile('x', content), sampleFile('y', '')];
  return (await openFiles(files, IMPORT_LIMITS, new ProblemList(1))).files[0]!;
}

/** A JPEG's bytes up to its size, with metadata of that many bytes before it. */
function jpeg(metadata: number): Uint8Array {
  const parts: number[] = [0xff, 0xd8];
  for (let left = metadata; left > 0; left -= 65_000) {
    const length = Math.min(left, 65_000) + 2;
    parts.push(0xff, 0xe1, length >> 8, length & 255, ...new Array<number>(length - 2).fill(0));
  }
  return Uint8Array.from([
    ...parts,
    0xff,
    0xc0,
    0,
    11,
    8,
    0,
    4,
    0,
    6,
    1,
    1,
    0x11,
    0,
    0xff,
    0xd9,
    ...Array(20).fill(0),
  ]);
}

function webp(stated: number): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes.set(Buffer.from('RIFF'), 0);
  new DataView(bytes.buffer).setUint32(4, stated, true);
  bytes.set(Buffer.from('WEBPVP8X'), 8);
  return bytes;
}

function png(width: number, height: number): Uint8Array {
  const bytes = samplePng();
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

const noise = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * i * 31) >> 5);
const appended = (bytes: Uint8Array, more: Uint8Array): Uint8Array => Uint8Array.from([...bytes, ...more]);

describe.each([
  ['in memory', async (bytes: Uint8Array) => checkPicture(bytes, IMPORT_LIMITS)],
  ['loose', async (bytes: Uint8Array) => checkPictureFile(await fileOf(bytes), IMPORT_LIMITS)],
  ['zipped', async (bytes: Uint8Array) => checkPictureFile(await fileOf(bytes, true), IMPORT_LIMITS)],
])('a picture %s', (_, check) => {
  it.each<[string, Uint8Array, string]>([
    ['PNG', samplePng(), 'image/png'],
    ['PNG with something appended', appended(samplePng(), noise(100)), 'image/png'],
    ['JPEG', jpeg(0), 'image/jpeg'],
    ['JPEG with large metadata', jpeg(150_000), 'image/jpeg'],
    ['WebP', webp(32), 'image/webp'],
  ])('passes: %s', async (_, bytes, type) => {
    expect(await check(bytes)).toEqual({ type });
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'is empty'],
    ['text', Buffer.from('this is no picture at all'), 'is not a PNG'],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'is an SVG drawing'],
    ['a cut header', samplePng().subarray(0, 20), 'cut off'],
    ['a cut PNG', samplePng().subarray(0, -8), 'is cut off'],
    ['half a JPEG', jpeg(0).subarray(0, 15), 'is cut off'],
    ['a cut WebP', webp(4000), 'is cut off'],
    ['no pixels', png(0, 5), 'is 0 × 5 pixels'],
    ['too many pixels', png(60_000, 60_000), 'up to 100 megapixels'],
    [
      'JPEG without size',
      Uint8Array.of(0xff, 0xd8, ...new Array<number>(30).fill(0xff)),
      'is a damaged JPEG',
    ],
  ])('is refused: %s', async (_, bytes, reason) => {
    const result = await check(bytes);
    expect('reason' in result ? result.reason : result.type).toContain(reason);
  });
});

describe('checkPictureFile', () => {
  it('reads a part of a large picture only, and notices a cut one by its end', async () => {
    const large = appended(samplePng().subarray(0, -12), noise(300_000));
    const whole = appended(large, samplePng().subarray(-12));
    expect(await checkPictureFile(await fileOf(whole), IMPORT_LIMITS)).toEqual({ type: 'image/png' });
    expect(await checkPictureFile(await fileOf(large), IMPORT_LIMITS)).toEqual({ reason: 'is cut off' });
    const file = await fileOf(whole);
    let [read, calls] = [0, 0];
    const counted: SourceFile = {
      ...file,
      path: file.path,
      size: file.size,
      position: 0,
      head: async (length) => {
        const bytes = await file.head(length);
        [read, calls] = [read + bytes.length, calls + 1];
        return bytes;
      },
      tail: (length) => file.tail(length),
    };
    await checkPictureFile(counted, IMPORT_LIMITS);
    expect([read, calls]).toEqual([2048, 1]);
  });

  it('refuses by size without reading', async () => {
    const limits = { ...IMPORT_LIMITS, maxImageBytes: 10 };
    expect(await checkPictureFile(await fileOf(noise(11)), limits)).toEqual({
      reason: 'has 11 B; up to 10 B are read: make it smaller',
    });
  });

  it('says why a damaged entry cannot be read', async () => {
    const files = [
      sampleFile('a.zip', buildZip([{ name: 'x', data: samplePng(), raw: Uint8Array.of(7, 7, 7) }])),
    ];
    const set = await openFiles(files, IMPORT_LIMITS, new ProblemList(1));
    const check = await checkPictureFile(set.files[0]!, IMPORT_LIMITS);
    expect(check).toEqual({ reason: expect.stringContaining('a.zip: x is damaged') });
  });
});

describe('decodeBase64', () => {
  it('reads base64 with line ends, and nothing else', () => {
    const bytes = noise(100);
    const text = Buffer.from(bytes).toString('base64').replace(/.{20}/g, '$&\n');
    expect(decodeBase64(text, IMPORT_LIMITS)).toEqual(bytes);
    expect(decodeBase64('no base64!', IMPORT_LIMITS)).toEqual({ reason: 'is not valid base64' });
    const limits = { ...IMPORT_LIMITS, maxImageBytes: 10 };
    expect(decodeBase64('A'.repeat(16), limits)).toEqual({ reason: 'is larger than 10 B' });
  });
});
