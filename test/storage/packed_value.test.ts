// Values of IndexedDB as JSON: whatever a record may hold comes back, equal values have equal texts, and what is no
// packed value is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extensionOf, packValue, unpackValue } from '../../src/storage/packed_value';

async function roundTrip(value: unknown) {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const packed = await packValue(value, (bytes, extension) => {
    const path = `${files.size}.${extension}`;
    files.set(path, bytes.slice());
    return path;
  });
  const text = JSON.stringify(packed);
  const found = await unpackValue(JSON.parse(text), async (path) => files.get(path) ?? new Uint8Array());
  return { found, text, files: [...files.keys()] };
}

const refused = (packed: unknown) =>
  unpackValue(packed, async () => new Uint8Array(3)).then(
    () => null,
    (error) => error.code,
  );

describe('a packed value', () => {
  it('comes back as it was', async () => {
    const leaf = fc.oneof(
      fc.constantFrom(null, true, false, Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      fc.double(),
      fc.string(),
      fc.uint8Array(),
      fc.float32Array(),
    );
    const key = fc
      .oneof(fc.constantFrom('$', 'file', 'base64', 'of'), fc.string())
      .filter((one) => one !== '__proto__');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), fc.dictionary(key, tie('value'))),
    }));
    await fc.assert(
      fc.asyncProperty(value, async (one) => {
        expect((await roundTrip(one)).found).toEqual(one);
      }),
      { numRuns: 150 },
    );
  });

  it('has large bytes in files, by the ending of their type', async () => {
    const bytes = new Uint8Array(70_000).fill(7);
    const value = {
      picture: new Blob([bytes], { type: 'image/jpeg' }),
      floats: new Float32Array(20_000).fill(0.5),
    };
    const { found, files } = await roundTrip(value);
    expect(files).toEqual(['0.bin', '1.jpg']);
    const { picture, floats } = found as typeof value;
    expect([picture.type, picture.size, floats]).toEqual(['image/jpeg', 70_000, value.floats]);
  });

  it('has one text, however it was made', async () => {
    expect((await roundTrip({ b: 1, a: undefined, c: [undefined] })).text).toBe('{"b":1,"c":[null]}');
    expect((await roundTrip({ c: 1, b: 2 })).text).toBe((await roundTrip({ b: 2, c: 1 })).text);
  });

  it('is refused where it is none', async () => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`);
    for (const packed of [
      deep,
      JSON.parse('{"__proto__": {"a": 1}}'),
      { $: 'Map' },
      { $: 'number', is: 'x' },
      { $: 'Blob' },
      { $: 'Uint8Array', base64: '*' },
      { $: 'Float32Array', file: 'three bytes' },
      { $: 'object', of: [] },
      { $: 1 },
    ])
      expect(await refused(packed)).toBe('data/row');
  });

  it('is made of nothing that no record holds', async () => {
    await expect(packValue({ f: () => 1 }, () => '')).rejects.toMatchObject({ code: 'internal/invariant' });
    await expect(packValue(new DataView(new ArrayBuffer(1)), () => '')).rejects.toMatchObject({
      code: 'internal/invariant',
    });
  });
});

describe('extensionOf', () => {
  it('never leads out of a folder', () => {
    expect(['image/png', 'image/jpeg', 'image/../../x', '', 'text/html'].map(extensionOf)).toEqual([
      ...['png', 'jpg', 'bin', 'bin', 'bin'],
    ]);
  });
});
