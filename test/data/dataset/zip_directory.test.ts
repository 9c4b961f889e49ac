// Directories that do not lie where they say, or count modulo 2^16 or 2^32: read as unzip does.
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../../src/data/dataset/crc32';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { BlobWindow, readZipDirectory } from '../../../src/data/dataset/zip_directory';
import { openZip } from '../../../src/data/dataset/zip_reader';
import { buildZip, type ZipEnd, type ZipPart } from './dataset_samples';

const PARTS: readonly ZipPart[] = [
  { name: 'a.txt', data: 'hello' },
  { name: 'b.txt', data: 'you', store: true },
];

/** Every entry's text, read through the zip's reader. */
async function texts(blob: Blob): Promise<string[]> {
  const zip = await openZip(blob, 'x.zip', IMPORT_LIMITS);
  expect(zip.refused).toEqual([]);
  return Promise.all(
    zip.entries.map(async (entry) => `${entry.path} ${Buffer.from(await zip.head(entry, 99))}`),
  );
}

const EXPECTED = ['a.txt hello', 'b.txt you'];
const junk = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(0x50);

describe('readZipDirectory', () => {
  it.each<[string, number, number, ZipEnd]>([
    ['bytes before', 1000, 0, {}],
    ['bytes after', 0, 1000, {}],
    ['bytes on both sides', 77, 500_000, {}],
    ['bytes before ZIP64', 1000, 0, { zip64: true }],
    ['bytes after ZIP64 and a comment', 0, 10, { zip64: true, comment: 'made by hand' }],
  ])('reads a zip with %s', async (_, before, after, end) => {
    const zip = new Blob([junk(before), buildZip(PARTS, end), junk(after)]);
    expect(await texts(zip)).toEqual(EXPECTED);
  });

  it('reads offsets that count the bytes before, as `zip -A` writes them', async () => {
    const plain = buildZip(PARTS);
    const view = new DataView(plain.buffer);
    const end = plain.length - 22;
    const directory = view.getUint32(end + 16, true);
    view.setUint32(end + 16, directory + 100, true);
    let at = directory;
    for (const _ of PARTS) {
      view.setUint32(at + 42, view.getUint32(at + 42, true) + 100, true);
      at += 46 + view.getUint16(at + 28, true);
    }
    expect(await texts(new Blob([junk(100), plain]))).toEqual(EXPECTED);
  });

  it('takes the last zip where a zip was appended to another', async () => {
    const other = buildZip([{ name: 'old.txt', data: 'old' }]);
    expect(await texts(new Blob([other, buildZip(PARTS)]))).toEqual(EXPECTED);
  });

  it('reads more than 65,535 files without ZIP64', async () => {
    const parts = Array.from({ length: 65_540 }, (_, i) => ({ name: `${i}`, data: '', store: true }));
    const blob = new Blob([buildZip(parts, { count: 4 })]);
    const { entries } = await readZipDirectory(new BlobWindow(blob), 'x.zip', IMPORT_LIMITS);
    expect(entries).toHaveLength(65_540);
    const wrong = new BlobWindow(new Blob([buildZip(PARTS, { count: 3 })]));
    await expect(readZipDirectory(wrong, 'x.zip', IMPORT_LIMITS)).rejects.toThrow('announces 3 files');
  });

  it('reads offsets beyond 4 GiB that have wrapped', async () => {
    // The third entry and the directory lie behind 4 GiB of zeros, all but 60 bytes, so that their offsets are 60 less
    // than without them. Node's own Blob of a file ends at 4 GiB.
    const gap = 2 ** 32 - 60;
    const parts = [...PARTS, { name: 'c.txt', data: 'too', store: true }];
    const third = buildZip(parts.slice(0, 2)).length - 22 - 2 * (46 + 'a.txt'.length);
    const directory = third + 30 + 'c.txt'.length + 'too'.length;
    const wrapped = parts.map((part, index) => (index < 2 ? part : { ...part, offset: third - 60 }));
    const plain = buildZip(wrapped, { offset: directory - 60 });
    const at = (position: number): number =>
      position < third ? plain[position]! : position < third + gap ? 0 : plain[position - gap]!;
    const size = gap + plain.length;
    const slice = (from = 0, to = size): Blob =>
      new Blob([Uint8Array.from({ length: Math.min(to, size) - from }, (_, i) => at(from + i))]);
    expect(await texts({ size, slice } as Blob)).toEqual([...EXPECTED, 'c.txt too']);
  });

  it('takes a name from the Unicode extra field while it belongs to the name', async () => {
    const nameBytes = Uint8Array.of(0xcd, 0xbc);
    const field = (crc: number): Uint8Array => {
      const name = new TextEncoder().encode('图');
      const bytes = new Uint8Array(9 + name.length);
      const view = new DataView(bytes.buffer);
      view.setUint16(0, 0x7075, true);
      view.setUint16(2, 5 + name.length, true);
      bytes[4] = 1;
      view.setUint32(5, crc, true);
      bytes.set(name, 9);
      return bytes;
    };
    const name = async (crc: number): Promise<string | undefined> => {
      const zip = buildZip([{ name: '', data: 'x', flags: 0, nameBytes, extra: field(crc) }]);
      return (await readZipDirectory(new BlobWindow(new Blob([zip])), 'x.zip', IMPORT_LIMITS)).entries[0]
        ?.name;
    };
    expect(await name(crc32(nameBytes))).toBe('图');
    // The name was changed later, so that the field is about another one; GBK reads the same here.
    expect(await name(1)).toBe('图');
  });

  it('gives up on a file full of end records', async () => {
    const record = new Uint8Array(22);
    record.set([0x50, 0x4b, 5, 6]);
    record.fill(9, 8, 20);
    const blob = new Blob(Array.from({ length: 40_000 }, () => record));
    await expect(readZipDirectory(new BlobWindow(blob), 'x.zip', IMPORT_LIMITS)).rejects.toMatchObject({
      code: 'data/zip',
    });
  });
});
