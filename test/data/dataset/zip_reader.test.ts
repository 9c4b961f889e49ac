// Zips that other programs write, and zips that mean harm: what is read, and what is refused and why.
import fc from 'fast-check';
import { deflateSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../../src/data/dataset/crc32';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { looksLikeZip, openZip, type ZipReader } from '../../../src/data/dataset/zip_reader';
import { LookBackError } from '../../../src/lib/errors';
import { buildZip, samplePng, type ZipPart } from './dataset_samples';

const MAX = 2 ** 26;

async function open(bytes: Uint8Array<ArrayBuffer>, limits = {}): Promise<ZipReader> {
  return openZip(new Blob([bytes]), 'x.zip', { ...IMPORT_LIMITS, ...limits });
}

async function read(zip: ZipReader, path: string, max = MAX): Promise<Uint8Array> {
  const entry = zip.entries.find((each) => each.path === path);
  if (entry === undefined) throw new Error(`${path}: ${JSON.stringify(zip.refused)}`);
  const parts: Uint8Array[] = [];
  for await (const chunk of zip.chunks(entry, max)) parts.push(chunk);
  return Uint8Array.from(Buffer.concat(parts));
}

/** Deterministic bytes that deflate cannot shrink. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

/** Comparing large arrays item by item takes a test runner seconds. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

describe('openZip', () => {
  it('reads what fflate writes, stored and deflated, beyond one block', async () => {
    const files = {
      'a/b.txt': new TextEncoder().encode('hello'),
      'n.bin': noise(700_001),
      'empty.txt': new Uint8Array(0),
    };
    for (const level of [0, 6] as const) {
      const zip = await open(Uint8Array.from(zipSync({ ...files, 'folder/': new Uint8Array(0) }, { level })));
      expect(zip.entries.map(({ path }) => path).sort()).toEqual(['a/b.txt', 'empty.txt', 'n.bin']);
      for (const [path, data] of Object.entries(files)) expect(same(await read(zip, path), data)).toBe(true);
      const big = zip.entries.find(({ path }) => path === 'n.bin')!;
      expect(await zip.head(big, 1000)).toEqual(files['n.bin'].subarray(0, 1000));
      expect(same(await zip.head(big, 1e9), files['n.bin'])).toBe(true);
    }
  });

  it('reads ZIP64, a comment, long local headers, and Latin-1 or unmarked names', async () => {
    const parts: ZipPart[] = [
      { name: 'ä.txt', data: 'x', flags: 0, localExtra: 9 },
      { name: 'b\\c.txt', data: 'y', store: true },
    ];
    for (const end of [{ zip64: true }, { comment: 'PK says hello' }]) {
      const zip = await open(buildZip(parts, end));
      expect(Buffer.from(await read(zip, 'ä.txt')).toString()).toBe('x');
      expect(Buffer.from(await read(zip, 'b/c.txt')).toString()).toBe('y');
    }
    const bytes = buildZip([{ name: 'zz', data: '' }]);
    for (let i = 0; i + 1 < bytes.length; i++)
      if (bytes[i] === 0x7a && bytes[i + 1] === 0x7a) bytes[i] = 0xe4;
    expect((await open(bytes)).entries[0]?.path).toBe('äz');
  });

  it('computes the checksum of the standard', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    const [whole, parts] = [noise(1000), noise(1000)];
    expect(crc32(parts.subarray(300), crc32(parts.subarray(0, 300)))).toBe(crc32(whole));
  });

  it('tells a zip by its first bytes', () => {
    expect(looksLikeZip(buildZip([]))).toBe(true);
    expect(looksLikeZip(buildZip([{ name: 'a', data: 'a' }]))).toBe(true);
    expect(looksLikeZip(samplePng())).toBe(false);
  });
});

describe('hostile zips', () => {
  const refused: [string, Partial<ZipPart>, string][] = [
    ['leads out', { name: 'a/../../x' }, 'leads out of the zip'],
    ['leads out by backslashes', { name: '..\\x' }, 'leads out of the zip'],
    ['absolute', { name: '/etc/passwd' }, 'absolute path'],
    ['drive', { name: 'C:\\x' }, 'absolute path'],
    ['NUL', { name: 'a\0.png' }, 'NUL'],
    ['no name', { name: './', data: 'x' }, 'no name'],
    ['link', { unixMode: 0o120777 }, 'links are not followed'],
    ['encrypted', { flags: 0x801 }, 'encrypted'],
    ['LZMA', { method: 14 }, 'method 14'],
    ['two sizes', { store: true, size: 2 }, 'two different sizes'],
    ['ratio', { data: new Uint8Array(2 ** 21) }, 'inflates'],
    ['reaches into the directory', { compressedSize: 500 }, 'shares bytes'],
    ['lies beyond the file', { offset: 4_000_000_000 }, 'shares bytes'],
  ];
  it.each(refused)('refuses an entry: %s', async (_, part, reason) => {
    const zip = await open(
      buildZip([
        { name: 'good', data: 'good' },
        { name: 'bad', data: 'bad', ...part },
      ]),
    );
    expect(zip.entries.map(({ path }) => path)).toEqual(['good']);
    expect(zip.refused).toHaveLength(1);
    expect(zip.refused[0]?.reason).toContain(reason);
    expect(Buffer.from(await read(zip, 'good')).toString()).toBe('good');
  });

  it('refuses the second of two equal names', async () => {
    const zip = await open(
      buildZip([
        { name: 'a', data: '1' },
        { name: './a', data: '2' },
      ]),
    );
    expect(zip.refused).toEqual([{ path: 'a', reason: 'appears twice' }]);
    expect(Buffer.from(await read(zip, 'a')).toString()).toBe('1');
  });

  it('refuses entries that share one piece of data, as quoted bombs do', async () => {
    const kernel = { name: 'k', data: noise(1000), store: true };
    const zip = await open(
      buildZip([kernel, ...[1, 2, 3].map((i) => ({ ...kernel, name: `k${i}`, offset: 0 }))]),
    );
    expect(zip.refused.map(({ reason }) => reason)).toContain('shares bytes with another entry');
    // Of entries at one place only one may be read.
    expect(zip.entries.length).toBeLessThanOrEqual(1);
  });

  it('finds an overlap that only the local header shows', async () => {
    const first = { name: 'a', data: 'first', store: true };
    const bytes = buildZip([first, { name: 'b', data: 'second', store: true }]);
    // The local header of the first claims an extra field that pushes its data into the second.
    new DataView(bytes.buffer).setUint16(28, 20, true);
    await expect(read(await open(bytes), 'a')).rejects.toThrow('shares bytes');
  });

  const damaged: [string, Partial<ZipPart>, string][] = [
    ['wrong checksum', { crc: 1 }, 'checksum'],
    ['declares less', { data: 'x'.repeat(500), size: 4 }, 'more than it declares'],
    ['large, declares less', { data: noise(50_000), size: 40_000 }, 'more than it declares'],
    ['declares more', { size: 600 }, 'less than it declares'],
    ['no deflate stream', { raw: Uint8Array.of(7, 7, 7, 7) }, 'damaged'],
    [
      'large cut stream',
      { data: noise(50_000), raw: deflateSync(noise(50_000)).subarray(0, 40_000) },
      'less than it declares',
    ],
    ['cut stream', { raw: deflateSync(noise(500)).subarray(0, 200) }, 'is damaged'],
  ];
  it.each(damaged)('fails to read an entry: %s', async (_, part, message) => {
    const zip = await open(buildZip([{ name: 'bad', data: noise(500), ...part }]));
    if (zip.entries[0]!.size < 1000) await expect(zip.head(zip.entries[0]!, 1)).rejects.toThrow(message);
    await expect(read(zip, 'bad')).rejects.toMatchObject({
      code: 'data/zip',
      message: expect.stringContaining(message),
    });
  });

  it('stops inflating where the declared size ends, whatever follows', async () => {
    const bomb = deflateSync(new Uint8Array(50_000_000));
    const zip = await open(buildZip([{ name: 'b', data: '', raw: bomb, size: 100_000 }]));
    await expect(read(zip, 'b')).rejects.toThrow('more than it declares');
    expect(await zip.head(zip.entries[0]!, 10)).toEqual(new Uint8Array(10));
  });

  it('gives up on data that goes on after its end', async () => {
    const raw = new Uint8Array(600_000);
    raw.set(deflateSync(noise(100)));
    const zip = await open(buildZip([{ name: 'b', data: noise(200), raw }]));
    await expect(read(zip, 'b')).rejects.toThrow('goes on after its end');
  });

  it('refuses more than a caller wants before reading it', async () => {
    const zip = await open(buildZip([{ name: 'b', data: noise(500) }]));
    await expect(read(zip, 'b', 499)).rejects.toMatchObject({ code: 'data/dataset-size' });
  });

  it('refuses a zip that is cut, lies about its directory or has too many entries', async () => {
    const parts = [
      { name: 'a', data: 'a' },
      { name: 'b', data: 'b' },
    ];
    const whole = buildZip(parts);
    await expect(open(whole.slice(0, -1))).rejects.toMatchObject({ code: 'data/zip' });
    await expect(open(whole.slice(10))).rejects.toThrow('damaged');
    await expect(open(buildZip(parts, { count: 3 }))).rejects.toThrow('announces 3 files and lists 2');
    // The directory ends where the end record begins, whatever its offset says: unzip reads it, too.
    expect((await open(buildZip(parts, { offset: 1 }))).entries).toHaveLength(2);
    await expect(open(new Uint8Array(0))).rejects.toThrow('cut off');
    await expect(open(whole, { maxFiles: 1 })).rejects.toMatchObject({ code: 'data/dataset-size' });
  });

  it('survives any damage: each entry is refused, fails, or is what went in', async () => {
    const files = new Map([
      ['a.txt', noise(300)],
      ['b.txt', new Uint8Array(5000)],
      ['c', noise(40)],
    ]);
    const whole = buildZip([...files].map(([name, data], i) => ({ name, data, store: i === 2 })));
    const change = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = whole.slice();
        for (const { at, value } of changes) bytes[at] = value;
        try {
          const zip = await open(bytes);
          for (const { path } of zip.entries) {
            const data = await read(zip, path);
            // Data and checksum together cannot be forged by four bytes.
            if (files.has(path) && data.length === files.get(path)?.length)
              expect(data).toEqual(files.get(path));
          }
        } catch (error) {
          if (!(error instanceof LookBackError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
