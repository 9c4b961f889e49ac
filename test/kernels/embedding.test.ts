// Embedding look-up: exact rows for every storage type, image rows, ids inside decode sequences.
import { expect, it } from 'vitest';
import { embedding } from '../../src/kernels/embedding';
import { createPrng } from '../../src/lib/prng';
import { testGpu } from '../harness/gpu';
import { randomQuantised } from '../reference/weight_format';
import { dirty, normals, runTwice } from './support';

/** The low and high halves of a word, as f32, for bf16 (exact by construction). */
function unpackBf16(words: Uint32Array, element: number): number {
  const half = (words[element >> 1]! >>> (element & 1 ? 16 : 0)) & 0xffff;
  return new Float32Array(Uint32Array.of(half << 16).buffer)[0]!;
}

/** f16 bits as a number, by the definition of the format. */
function unpackF16(words: Uint32Array, element: number): number {
  const bits = (words[element >> 1]! >>> (element & 1 ? 16 : 0)) & 0xffff;
  const [sign, exponent, fraction] = [bits >>> 15, (bits >>> 10) & 31, bits & 1023];
  const magnitude = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  return sign ? -magnitude : magnitude;
}

const [VOCAB, HIDDEN] = [13, 7];

/** Packed words whose halves are ordinary finite numbers in both formats: exponents in the middle of the range. */
function packedTable(): Uint32Array {
  return Uint32Array.from({ length: Math.ceil((VOCAB * HIDDEN) / 2) }, (_, i) => {
    const half = (n: number) => ((n * 7919) & 0x83ff) | ((((n * 31) % 12) + 10) << 10);
    return (half(2 * i) | (half(2 * i + 1) << 16)) >>> 0;
  });
}

it.each(['f32', 'bf16', 'f16'] as const)('reads %s rows exactly, clamping ids', async (weight) => {
  const gpu = await testGpu();
  const ids = Uint32Array.of(0, 12, 5, 99, 5);
  const floats = normals(VOCAB * HIDDEN, 1);
  const words = packedTable();
  const table = weight === 'f32' ? floats : words;
  const read = {
    f32: (e: number) => floats[e]!,
    bf16: (e: number) => unpackBf16(words, e),
    f16: (e: number) => unpackF16(words, e),
  };
  const call = embedding({ tokens: 5, hidden: HIDDEN, vocab: VOCAB, weight }, gpu.traits);
  const [, , out] = await runTwice(gpu, call, [ids, table, dirty(5 * HIDDEN)]);
  const want = Float32Array.from({ length: 5 * HIDDEN }, (_, i) => {
    const id = Math.min(ids[Math.floor(i / HIDDEN)]!, VOCAB - 1);
    return read[weight](id * HIDDEN + (i % HIDDEN));
  });
  expect(out).toEqual(want);
});

it.each(['int8', 'int4'] as const)('dequantises %s rows exactly, whole groups and parts', async (weight) => {
  const gpu = await testGpu();
  for (const hidden of [7, 32, 70]) {
    const prng = createPrng(9);
    const { planes, values } = randomQuantised(weight, VOCAB, hidden, () => prng.uniform(-1, 1));
    const ids = Uint32Array.of(0, 12, 5);
    const call = embedding({ tokens: 3, hidden, vocab: VOCAB, weight }, gpu.traits);
    const out = (await runTwice(gpu, call, [ids, ...planes, dirty(3 * hidden)])).at(-1)!;
    const want = [...ids].flatMap((id) => [...values.subarray(id * hidden, (id + 1) * hidden)]);
    // A scale of 8 bits times a quant of 8 is exact in f32.
    expect([...out], `${hidden}`).toEqual(want);
  }
});

it('takes image features where a token has an image row', async () => {
  const gpu = await testGpu();
  const [table, features] = [normals(VOCAB * HIDDEN, 2), normals(3 * HIDDEN, 3)];
  const ids = Uint32Array.of(4, 9, 9, 1);
  const rows = Int32Array.of(-1, 2, 0, -1);
  const call = embedding(
    { tokens: 4, hidden: HIDDEN, vocab: VOCAB, weight: 'f32', images: true },
    gpu.traits,
  );
  const results = await runTwice(gpu, call, [ids, table, features, rows, dirty(4 * HIDDEN)]);
  const row = (x: Float32Array, r: number) => [...x.subarray(r * HIDDEN, (r + 1) * HIDDEN)];
  expect([...results[4]!]).toEqual([
    ...row(table, 4),
    ...row(features, 2),
    ...row(features, 0),
    ...row(table, 1),
  ]);
});

it('finds ids inside decode sequences', async () => {
  const gpu = await testGpu();
  const table = normals(VOCAB * HIDDEN, 4);
  const sequences = new Uint32Array(24);
  sequences[7] = 3;
  sequences[15] = 11;
  sequences[23] = 3;
  const call = embedding(
    { tokens: 3, hidden: HIDDEN, vocab: VOCAB, weight: 'f32', idStride: 8, idOffset: 7 },
    gpu.traits,
  );
  const [, , out] = await runTwice(gpu, call, [sequences, table, dirty(3 * HIDDEN)]);
  const want = [3, 11, 3].flatMap((id) => [...table.subarray(id * HIDDEN, (id + 1) * HIDDEN)]);
  expect([...out!]).toEqual(want);
});

it('says what to do when the table exceeds a binding', async () => {
  const { traits } = await testGpu();
  const small = { ...traits, maxBindingBytes: 1000 };
  expect(() => embedding({ tokens: 1, hidden: 100, vocab: 100, weight: 'bf16' }, small)).toThrow(
    /table takes 20000 bytes/,
  );
});
