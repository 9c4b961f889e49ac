// The reader against the fixture and against hostile files: an error or true contents, never a crash.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ByteSource,
  blobSource,
  DTYPE_BYTES,
  type Dtype,
  openSafetensors,
  parseSafetensors,
  type SafetensorsFile,
  type TensorData,
  toFloat32,
  writeSafetensors,
} from '../../src/model/safetensors';
import { loadFixture } from '../harness/fixture';
import { survivesMutation } from '../harness/fuzz_properties';

/** A file from a header text and a number of data bytes. */
function craft(header: string, dataBytes: number, length?: bigint): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const entry = (dtype: string, shape: unknown, offsets: unknown): string =>
  `{"dtype":"${dtype}","shape":${JSON.stringify(shape)},"data_offsets":${JSON.stringify(offsets)}}`;

const open = (bytes: Uint8Array): Promise<SafetensorsFile> => parseSafetensors('f.safetensors', bytes);

describe('openSafetensors', () => {
  it('reads every dtype, scalars and empty tensors of the fixture', async () => {
    const file = await open(await loadFixture('ops/ops.safetensors'));
    expect(file.tensors.get('dtype.scalar')).toMatchObject({ dtype: 'F32', shape: [] });
    expect((await file.read('dtype.scalar')).length).toBe(4);
    expect(file.tensors.get('dtype.empty')?.shape).toEqual([0, 4]);
    expect((await file.read('dtype.empty')).length).toBe(0);
    expect((await file.read('dtype.i64')).length).toBe(40);
    expect((await file.read('dtype.bool')).length).toBe(3);
  });

  it('fetches only the header and the ranges asked for', async () => {
    const bytes = await loadFixture('tiny-qwen2_5_vl/model.safetensors');
    let fetched = 0;
    const source: ByteSource = {
      name: 'ranged',
      size: bytes.length,
      read: async (begin, end) => {
        fetched += end - begin;
        return bytes.slice(begin, end);
      },
    };
    const file = await openSafetensors(source);
    const header = fetched;
    const name = 'lm_head.weight';
    const values = toFloat32('BF16', await file.read(name));
    expect(values).toHaveLength(160 * 96);
    expect(fetched).toBe(header + 160 * 96 * 2);
    expect(header).toBeLessThan(20_000);
    const fromBlob = await openSafetensors(blobSource('blob', new Blob([bytes])));
    expect(toFloat32('BF16', await fromBlob.read(name))).toEqual(values);
  });

  it('aligns what it returns, wherever it lies in the file', async () => {
    const file = await open(craft(`{"a":${entry('U8', [1], [0, 1])},"b":${entry('F32', [1], [1, 5])}}`, 5));
    const bytes = await file.read('b');
    expect(bytes.byteOffset % 4).toBe(0);
    expect([...toFloat32('F32', bytes)]).toEqual([0]);
  });

  const hostile: [string, Uint8Array, string][] = [
    ['empty file', new Uint8Array(0), 'has 0 bytes'],
    ['huge header length', craft('{}', 0, 2n ** 63n), 'header length 9223372036854775808 exceeds'],
    ['header past the end', craft('{}', 0, 3n), 'exceeds the file'],
    ['not JSON', craft('{"a":', 0), 'header is not valid'],
    ['not an object', craft('[]', 0), 'not a JSON object'],
    ['leading space', craft(' {}', 0), 'not a JSON object'],
    ['not UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), 'not UTF-8'],
    [
      'duplicate key',
      craft(`{"a":${entry('U8', [0], [0, 0])},"a":${entry('U8', [0], [0, 0])}}`, 0),
      'duplicate key "a"',
    ],
    ['deep nesting', craft(`{"a":${'['.repeat(100000)}`, 0), 'nested deeper'],
    ['entry not an object', craft('{"w":3}', 0), 'tensor "w": its header entry'],
    [
      'unknown dtype',
      craft(`{"w":${entry('F8_E4M3', [1], [0, 1])}}`, 1),
      'tensor "w": dtype "F8_E4M3" is not supported',
    ],
    ['prototype dtype', craft(`{"w":${entry('toString', [1], [0, 1])}}`, 1), 'is not supported'],
    ['negative size', craft(`{"w":${entry('U8', [-1], [0, 1])}}`, 1), 'non-negative integers'],
    [
      'negative zero',
      craft('{"w":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}', 0),
      'non-negative integers',
    ],
    ['fractional size', craft(`{"w":${entry('U8', [0.5], [0, 1])}}`, 1), 'non-negative integers'],
    ['size as text', craft(`{"w":${entry('U8', ['1'], [0, 1])}}`, 1), 'non-negative integers'],
    ['overflow', craft(`{"w":${entry('F32', [2 ** 30, 2 ** 30], [0, 4])}}`, 4), 'overflows'],
    ['overflow behind a zero', craft(`{"w":${entry('F32', [0, 2 ** 40, 2 ** 40], [0, 0])}}`, 0), 'overflows'],
    ['rank 33', craft(`{"w":${entry('U8', Array(33).fill(1), [0, 1])}}`, 1), 'shape must be'],
    ['reversed offsets', craft(`{"w":${entry('U8', [1], [1, 0])}}`, 1), 'outside the 1 data bytes'],
    ['offsets outside', craft(`{"w":${entry('U8', [2], [0, 2])}}`, 1), 'outside the 1 data bytes'],
    ['three offsets', craft(`{"w":${entry('U8', [1], [0, 1, 2])}}`, 1), 'two non-negative integers'],
    ['wrong length', craft(`{"w":${entry('F32', [2], [0, 4])}}`, 4), 'needs 8 bytes, data_offsets span 4'],
    [
      'overlap',
      craft(`{"a":${entry('U8', [2], [0, 2])},"b":${entry('U8', [2], [1, 3])}}`, 3),
      'tensor "b": its bytes overlap',
    ],
    [
      'same bytes twice',
      craft(`{"a":${entry('U8', [2], [0, 2])},"b":${entry('U8', [2], [0, 2])}}`, 2),
      'overlap',
    ],
    ['gap', craft(`{"a":${entry('U8', [1], [1, 2])}}`, 2), '1 bytes before it belong to no tensor'],
    ['trailing bytes', craft(`{"a":${entry('U8', [1], [0, 1])}}`, 2), '1 bytes at the end'],
    ['metadata not strings', craft('{"__metadata__":{"a":1}}', 0), '__metadata__ key "a" is not a string'],
    ['metadata not an object', craft('{"__metadata__":[]}', 0), '__metadata__ is not an object'],
    [
      'extra key',
      craft('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}', 0),
      'unknown header key "x"',
    ],
    ['empty name', craft(`{"":${entry('U8', [0], [0, 0])}}`, 0), 'empty name'],
  ];
  it.each(hostile)('refuses: %s', async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(message);
    await expect(open(bytes)).rejects.toMatchObject({ code: 'model/safetensors', name: 'ModelError' });
    await expect(open(bytes)).rejects.toThrow(/^f\.safetensors: /);
  });

  it('takes __proto__ as a name like any other', async () => {
    const file = await open(craft(`{"__proto__":${entry('U8', [1], [0, 1])}}`, 1));
    expect([...file.tensors.keys()]).toEqual(['__proto__']);
    expect((await file.read('__proto__')).length).toBe(1);
  });

  it('reports a source that returns too little, and unknown names', async () => {
    const bytes = craft(`{"a":${entry('U8', [4], [0, 4])}}`, 4);
    const short = await openSafetensors({
      name: 'short',
      size: bytes.length,
      read: async (begin, end) => bytes.subarray(begin, Math.min(end, bytes.length - 2)),
    });
    await expect(short.read('a')).rejects.toThrow('got 2 of 4 bytes');
    await expect(short.read('b')).rejects.toThrow('tensor "b": is not in the file');
  });

  it('survives mutated files: an error, or a file whose tensors all fit', async () => {
    await fc.assert(survivesMutation(), { numRuns: 500 });
  });
});

describe('writeSafetensors', () => {
  it('round-trips, aligned and sorted like the reference writer', async () => {
    const tensor = (name: string, dtype: Dtype, shape: number[]): TensorData => {
      const length = shape.reduce((product, n) => product * n, DTYPE_BYTES[dtype]);
      return {
        name,
        dtype,
        shape,
        bytes: Uint8Array.from({ length }, (_, i) => (i * 7 + name.length) % 256),
      };
    };
    const tensors = [
      tensor('z', 'U8', [3]),
      tensor('b"é', 'BF16', [2, 2]),
      tensor('a', 'F32', [5]),
      tensor('s', 'F32', []),
      tensor('e', 'I64', [0, 7]),
    ];
    const bytes = writeSafetensors(tensors, { format: 'pt' });
    const file = await open(bytes);
    expect([...file.tensors.keys()]).toEqual(['e', 'a', 's', 'b"é', 'z']);
    expect(file.metadata.get('format')).toBe('pt');
    for (const { name, dtype, shape, bytes: data } of tensors) {
      expect(file.tensors.get(name)).toMatchObject({ dtype, shape });
      expect(await file.read(name)).toEqual(data);
      expect((file.tensors.get(name)?.begin ?? 1) % DTYPE_BYTES[dtype]).toBe(0);
    }
  });

  it('writes what PEFT wrote, tensor by tensor', async () => {
    const original = await open(await loadFixture('tiny-qwen2_5_vl/adapter/adapter_model.safetensors'));
    const tensors = await Promise.all(
      [...original.tensors].map(async ([name, { dtype, shape }]) => ({
        name,
        dtype,
        shape,
        bytes: await original.read(name),
      })),
    );
    const copy = await open(writeSafetensors(tensors, Object.fromEntries(original.metadata)));
    expect([...copy.tensors.keys()].sort()).toEqual([...original.tensors.keys()].sort());
    for (const { name, bytes } of tensors) expect(await copy.read(name)).toEqual(bytes);
  });

  it('refuses duplicate names and bytes that do not fit', () => {
    const t = { name: 'a', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) } as const;
    expect(() => writeSafetensors([t, t])).toThrow('reserved or used twice');
    expect(() => writeSafetensors([{ ...t, name: '__metadata__' }])).toThrow('reserved');
    expect(() => writeSafetensors([{ ...t, shape: [2] }])).toThrow('4 bytes do not fit F32 [2]');
  });
});

describe('toFloat32', () => {
  it('refuses integers', () => {
    expect(() => toFloat32('I64', new Uint8Array(8))).toThrow('I64 is not a floating point weight type');
  });
});
