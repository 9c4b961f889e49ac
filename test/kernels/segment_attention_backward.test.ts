// Gradients of segment attention against f64, finite differences and the operator goldens.

import { expect, it } from 'vitest';
import { ATTENTION_VARIANTS, type AttentionVariant } from '../../src/kernels/attention_stream';
import {
  attentionBackwardKeyValue,
  attentionBackwardQuery,
  attentionDelta,
} from '../../src/kernels/segment_attention_backward';
import { testGpu } from '../harness/gpu';
import { type Operand, runCall } from '../harness/run_call';
import {
  referenceSegmentAttention,
  referenceSegmentAttentionBackward,
  type SegmentAttentionInput,
} from '../reference/segment_attention';
import { causalRanges, dirty, expectClose, gaussian, loadGoldens, packedRanges } from './attention_cases';

interface Gradients {
  stats: Operand;
  dq: Operand;
  dk: Operand;
  dv: Operand;
}

/** Runs the three calls; `out` and `lse` are the rounded truth, as a correct forward pass would leave them. */
async function backward(
  x: SegmentAttentionInput,
  dOut: Operand,
  variant: AttentionVariant,
  fill = 7.5,
): Promise<Gradients> {
  const gpu = await testGpu();
  const { out, lse } = referenceSegmentAttention(x);
  const rows = x.tokens * x.heads;
  const stats = (
    await runCall(gpu, attentionDelta(x, gpu.traits), [
      dOut,
      Float32Array.from(out),
      Float32Array.from(lse),
      dirty(rows * 2, fill),
    ])
  )[3]!;
  const inputs = [x.q, x.k, x.v, x.ranges].map((values) => values as Operand);
  const query = await runCall(gpu, attentionBackwardQuery(x, gpu.traits, variant), [
    ...inputs,
    stats,
    dOut,
    dirty(x.q.length, fill),
  ]);
  const keyValue = await runCall(gpu, attentionBackwardKeyValue(x, gpu.traits, variant), [
    ...inputs,
    stats,
    dOut,
    dirty(x.k.length, fill),
    dirty(x.k.length, fill),
  ]);
  return { stats, dq: query[6]!, dk: keyValue[6]!, dv: keyValue[7]! };
}

function randomInput(
  [tokens, heads, kvHeads, headSize]: readonly [number, number, number, number],
  ranges: Uint32Array,
  seed: number,
): { x: SegmentAttentionInput; dOut: Float32Array<ArrayBuffer> } {
  const x = {
    tokens,
    keys: tokens,
    heads,
    kvHeads,
    headSize,
    scale: headSize ** -0.5,
    ranges,
    q: gaussian(tokens * heads * headSize, seed),
    k: gaussian(tokens * kvHeads * headSize, seed + 1),
    v: gaussian(tokens * kvHeads * headSize, seed + 2),
  };
  return { x, dOut: gaussian(tokens * heads * headSize, seed + 3) };
}

/** abs 1e-6 or rel 1e-5 of the largest element: sums of at most 7 × 70 f32 products per gradient element. */
async function expectBackward(x: SegmentAttentionInput, dOut: Operand): Promise<Gradients[]> {
  const truth = referenceSegmentAttentionBackward(x, dOut);
  const results: Gradients[] = [];
  for (const variant of ATTENTION_VARIANTS) {
    const got = await backward(x, dOut, variant);
    const label = `${variant} T${x.tokens} H${x.heads}/${x.kvHeads} HS${x.headSize}`;
    const delta = Float32Array.from({ length: x.tokens * x.heads }, (_, i) => got.stats[i * 2 + 1]!);
    expectClose(delta, truth.delta, `${label} delta`);
    expectClose(got.dq, truth.dq, `${label} dq`);
    expectClose(got.dk, truth.dk, `${label} dk`);
    expectClose(got.dv, truth.dv, `${label} dv`);
    results.push(got);
  }
  return results;
}

it.each([
  [1, 1, 1, 12],
  [3, 3, 1, 16],
  [17, 4, 2, 32],
  [31, 7, 1, 40],
  [33, 3, 3, 64],
  [37, 2, 2, 80],
  [19, 4, 2, 128],
  [131, 2, 1, 20],
] as const)('follows the f64 gradients: %i tokens, %i heads over %i, head size %i', async (...sizes) => {
  const { x, dOut } = randomInput(sizes, causalRanges(sizes[0]), sizes[0]);
  await expectBackward(x, dOut);
});

it('follows prefix ranges, windows and padding rows', async () => {
  const { ranges, tokens } = packedRanges();
  const { x, dOut } = randomInput([tokens, 6, 2, 32], ranges, 5);
  for (const got of await expectBackward(x, dOut)) {
    // Rows and keys from 30 on are padding: nothing flows.
    expect(got.dq.slice(30 * 192).every((value) => value === 0)).toBe(true);
    expect(got.dk.slice(30 * 64).every((value) => value === 0)).toBe(true);
    expect(got.dv.slice(30 * 64).every((value) => value === 0)).toBe(true);
  }
});

it('is the gradient of the forward pass, by central differences', async () => {
  const { ranges, tokens } = packedRanges();
  const { x, dOut } = randomInput([tokens, 4, 2, 12], ranges, 31);
  const got = await backward(x, dOut, 'direct');
  const loss = (y: SegmentAttentionInput) =>
    referenceSegmentAttention(y).out.reduce((sum, value, i) => sum + value * dOut[i]!, 0);
  for (const [name, gradient] of [
    ['q', got.dq],
    ['k', got.dk],
    ['v', got.dv],
  ] as const) {
    for (let i = 5; i < x[name].length; i += Math.floor(x[name].length / 7)) {
      const step = 1e-4;
      const shifted = [step, -step].map((by) => {
        const values = Float64Array.from(x[name]);
        values[i]! += by;
        return loss({ ...x, [name]: values });
      });
      // Truncation is of order step² = 1e-8 and f64 cancellation 1e-12; what remains is the kernel's f32.
      expect(Math.abs((shifted[0]! - shifted[1]!) / (2 * step) - gradient[i]!)).toBeLessThan(2e-5);
    }
  }
});

it('survives outlier gradients and scores', async () => {
  const { x, dOut } = randomInput([19, 4, 2, 16], causalRanges(19), 9);
  const q = Float32Array.from(x.q, (value, i) => (i % 37 === 0 ? 100 : value));
  const large = dOut.map((value, i) => (i % 41 === 0 ? 1e4 : value));
  const truth = referenceSegmentAttentionBackward({ ...x, q }, large);
  for (const variant of ATTENTION_VARIANTS) {
    const got = await backward({ ...x, q }, large, variant);
    // Scores reach 1e2, known to 1e-5 in f32, and with them every probability.
    for (const name of ['dq', 'dk', 'dv'] as const) {
      expectClose(got[name], truth[name], `${variant} ${name}`, 1e-6, 1e-4);
    }
  }
});

it('writes the same bits into dirty memory', async () => {
  const { ranges, tokens } = packedRanges();
  const { x, dOut } = randomInput([tokens, 4, 2, 32], ranges, 21);
  for (const variant of ATTENTION_VARIANTS) {
    expect(await backward(x, dOut, variant, Number.NaN)).toEqual(await backward(x, dOut, variant, 1e30));
  }
});

it('reproduces the operator goldens', async () => {
  const goldens = await loadGoldens('attention.causal.');
  const cases = new Set([...goldens.keys()].map((name) => name.split('.')[0]!));
  expect(cases.size).toBeGreaterThan(3);
  for (const name of cases) {
    const [tokens = 0, heads = 0, kvHeads = 0, headSize = 0] = name.split('x').map(Number);
    const get = (tensor: string) => goldens.get(`${name}.${tensor}`)!;
    const x: SegmentAttentionInput = {
      tokens,
      keys: tokens,
      heads,
      kvHeads,
      headSize,
      scale: headSize ** -0.5,
      q: get('q').values,
      k: get('k').values,
      v: get('v').values,
      ranges: causalRanges(tokens),
    };
    for (const variant of ATTENTION_VARIANTS) {
      const got = await backward(x, get('dy').values, variant);
      for (const gradient of ['dq', 'dk', 'dv'] as const) {
        const golden = get(gradient);
        expectClose(got[gradient], golden.values, `${variant} ${name}.${gradient}`, golden.abs, golden.rel);
      }
    }
  }
});

it('says which size is wrong', async () => {
  const { traits } = await testGpu();
  const sizes = { tokens: 4, keys: 4, heads: 4, kvHeads: 2, headSize: 16, scale: 0.25 };
  expect(() => attentionDelta({ ...sizes, headSize: 18 }, traits)).toThrow(/headSize 18/);
  expect(() => attentionBackwardQuery({ ...sizes, kvHeads: 3 }, traits)).toThrow(/4 heads/);
  expect(() => attentionBackwardKeyValue({ ...sizes, keys: 0 }, traits)).toThrow(/keys/);
  expect(attentionBackwardKeyValue(sizes, traits).kernel.bindings.length).toBeLessThanOrEqual(8);
});
