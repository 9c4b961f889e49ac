// The fused layer of a decode step, and the first halves of its low-rank updates, against loops in f64.

import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import { verifyCalls } from '../../src/gpu/self_check';
import {
  type FusedGemvOptions,
  type FusedLora,
  fusedGemv,
  fusesGemv,
  loraDown,
} from '../../src/kernels/fused_gemv';
import { storedMatrix } from '../../src/kernels/gemm_check';
import type { WeightFormat } from '../../src/kernels/weight_format';
import { testGpu } from '../harness/gpu';
import { normedRows, referenceLayer } from '../reference/fused_gemv';
import { dirty, expectClose, normals, runTwice } from './support';

const EPS = 1e-5;
const STRENGTH = 0.75;

/** Updates of `count` runs of columns of n, of which those at odd places are left out when there are gaps. */
function loraOf(n: number, k: number, ranks: readonly number[]): FusedLora {
  const columns = Math.floor(n / ranks.length);
  let at = 64;
  const modules = ranks.map((rank, index) => {
    const own = {
      first: index * columns,
      columns,
      rank,
      a: at,
      b: at + Math.ceil((rank * k) / 64) * 64,
      scale: 1.5 + index,
    };
    at = own.b + Math.ceil((columns * rank) / 64) * 64;
    return own;
  });
  return { arena: at, modules };
}

/** Checks both bodies: that of graphics cards, and where there is no update that of software devices. */
async function check(o: FusedGemvOptions): Promise<void> {
  const { traits } = await testGpu();
  await checkBody(o, { ...traits, software: false });
  if (!o.lora && traits.software && traits.subgroups) await checkBody(o, traits);
}

async function checkBody(o: FusedGemvOptions, traits: DeviceTraits): Promise<void> {
  const gpu = await testGpu();
  const { m, n, k, lora, gated = false } = o;
  const x = normals(m * k, 1);
  const w = storedMatrix(n, k, o.weight);
  const [gain, bias, residual] = [normals(k, 2), normals(n, 3), normals(m * n, 4)];
  const arena = normals(lora?.arena ?? 4, 5, 0.2);
  const total = lora?.modules.reduce((sum, { rank }) => sum + rank, 0) ?? 0;
  let u = new Float32Array(m * total);
  if (lora) {
    const call = loraDown({ m, k, norm: o.norm, lora }, traits);
    const operands = [x, arena, ...(o.norm ? [gain] : []), Float32Array.of(STRENGTH), dirty(u.length)];
    u = (await runTwice(gpu, call, operands)).at(-1) as Float32Array<ArrayBuffer>;
    const rows = normedRows({ m, k, x, norm: o.norm && { gain, eps: o.norm.eps } });
    const truth: number[] = [];
    for (let row = 0; row < m; row++)
      for (const { rank, a, scale } of lora.modules)
        for (let line = 0; line < rank; line++) {
          let sum = 0;
          for (let at = 0; at < k; at++) sum += rows[row * k + at]! * arena[a + line * k + at]!;
          truth.push(STRENGTH * scale * sum);
        }
    // Sums of k products in f32.
    expectClose(u, truth, { rel: 1e-5 }, 'u');
  }
  const call = fusedGemv(o, traits);
  const operands = [
    ...[x, ...w.planes],
    ...(o.norm ? [gain] : []),
    ...(o.bias ? [bias] : []),
    ...(o.residual ? [residual] : []),
    ...(lora ? [u, arena] : []),
    dirty(gated ? (m * n) / 2 : m * n),
  ];
  const c = (await runTwice(gpu, call, operands)).at(-1)!;
  const truth = referenceLayer({
    ...{ m, n, k, x, w: w.values, gated },
    norm: o.norm && { gain, eps: o.norm.eps },
    ...(o.bias ? { bias } : {}),
    ...(o.residual ? { residual } : {}),
    updates: (lora?.modules ?? []).map(({ a, b, rank, first, columns, scale }) => ({
      a: arena.subarray(a, a + rank * k),
      b: arena.subarray(b, b + columns * rank),
      ...{ rank, first, columns, scale: scale * STRENGTH },
    })),
  });
  // Sums of k products in f32, squared by the gate.
  expectClose(c, truth, { rel: 2e-5 }, 'c');
}

describe('fusedGemv', () => {
  it.each(['f32', 'bf16', 'f16', 'int8', 'int4'] satisfies WeightFormat[])(
    'normalises and projects with %s',
    async (weight) => {
      await check({ m: 1, n: 37, k: 96, weight, norm: { eps: EPS }, bias: true });
    },
  );

  it('takes several rows, few columns and a residual', async () => {
    await check({ m: 3, n: 7, k: 68, weight: 'int4', norm: { eps: EPS } });
    await check({ m: 8, n: 5, k: 4, weight: 'f32', residual: true });
    await check({ m: 5, n: 67, k: 12, weight: 'f32', norm: { eps: EPS }, residual: true });
  });

  it('gates', async () => {
    await check({ m: 1, n: 62, k: 64, weight: 'int4', norm: { eps: EPS }, gated: true });
    await check({ m: 2, n: 2, k: 32, weight: 'f32', gated: true });
    await check({ m: 8, n: 46, k: 36, weight: 'bf16', norm: { eps: EPS }, gated: true, bias: true });
  });

  it('adds low-rank updates', async () => {
    await check({
      m: 1,
      n: 48,
      k: 64,
      weight: 'int4',
      norm: { eps: EPS },
      bias: true,
      lora: loraOf(48, 64, [8, 2, 3]),
    });
    await check({ m: 4, n: 30, k: 32, weight: 'int8', residual: true, lora: loraOf(30, 32, [5]) });
    await check({
      m: 2,
      n: 40,
      k: 36,
      weight: 'f32',
      norm: { eps: EPS },
      gated: true,
      lora: loraOf(40, 36, [4, 16]),
    });
    // One of two modules: the other columns stay as they are.
    const [, second] = loraOf(20, 16, [2, 2]).modules;
    await check({ m: 1, n: 20, k: 16, weight: 'f32', lora: { arena: 1024, modules: [second!] } });
  });

  it('passes its own check', async () => {
    const gpu = await testGpu();
    const options: FusedGemvOptions[] = [
      { m: 1, n: 24, k: 64, weight: 'int4', norm: { eps: EPS }, bias: true, lora: loraOf(24, 64, [2, 2, 2]) },
      { m: 3, n: 24, k: 64, weight: 'bf16', norm: { eps: EPS }, gated: true },
      { m: 1, n: 24, k: 64, weight: 'f32', residual: true },
    ];
    await verifyCalls(
      { ...gpu, verified: new Map() },
      options.map((o) => fusedGemv(o, gpu.traits)),
    );
  });

  it('says what it cannot compute', async () => {
    const { traits } = await testGpu();
    const fits: FusedGemvOptions = { m: 1, n: 8, k: 8, weight: 'f32' };
    expect(fusesGemv(fits)).toBe(true);
    for (const change of [{ m: 9 }, { k: 6 }, { n: 7, gated: true }, { lora: loraOf(8, 8, [1, 1, 1, 1]) }]) {
      expect(fusesGemv({ ...fits, ...change })).toBe(false);
      expect(() => fusedGemv({ ...fits, ...change }, traits)).toThrow(/cannot compute/);
    }
    expect(() => fusedGemv({ ...fits, gated: true, residual: true }, traits)).toThrow(/no residual/);
  });
});
