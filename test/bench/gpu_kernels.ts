// Measures kernels by themselves on a graphics device: the two yardsticks, products of prefill and of decoding, and for the
// products of a 3B model every variant of the kernel that could compute them, beside the one that is chosen.

import type { KernelCall } from '../../src/gpu/kernel';
import { measureCall } from '../../src/gpu/measured_time';
import { elementwise } from '../../src/kernels/elementwise';
import { fmaPeak } from '../../src/kernels/fma_peak';
import { type GemmOptions, gemm } from '../../src/kernels/gemm';
import { legalVariants, selectVariant } from '../../src/kernels/gemm_select';
import type { WeightFormat } from '../../src/kernels/weight_format';
import { type GpuBenchRun, rowOf, type Yardsticks } from './gpu_rows';

function time({ gpu, sizes, signal }: GpuBenchRun, call: KernelCall): Promise<number> {
  return measureCall(gpu, call, { sampleMs: sizes.sampleMs, now: () => performance.now(), signal });
}

/** Bandwidth of a copy, reads and writes counted, and rate of fused multiply-adds. */
export async function measureYardsticks(run: GpuBenchRun): Promise<Yardsticks> {
  const { traits } = run.gpu;
  const count = Math.min(run.sizes.copyElements, Math.floor(traits.maxBindingBytes / 4));
  const copy = elementwise({ kind: 'copy', count }, traits);
  const fma = fmaPeak({ ...run.sizes.fma, a: 0.5, b: 0.5 }, traits);
  const copyMs = await time(run, copy);
  run.add(rowOf(`copy of ${count} f32`, copyMs, { flops: 0, bytes: copy.bytes }, null));
  const fmaMs = await time(run, fma);
  run.add(rowOf('fused multiply-adds, f32', fmaMs, { flops: fma.flops, bytes: 0 }, null));
  return { copyGigabytes: copy.bytes / copyMs / 1e6, fmaGflops: fma.flops / fmaMs / 1e6 };
}

/** A linear layer's product: weights [n, k], rows [m, k]. */
async function measureProduct(run: GpuBenchRun, options: GemmOptions): Promise<void> {
  const { m, n, k, weight } = options;
  const call = gemm(options, run.gpu.traits);
  const note = selectVariant(options, run.gpu.traits);
  run.add(rowOf(`${m}×${n}×${k}, ${weight} weights`, await time(run, call), call, run.peak, { note }));
}

/** Many rows at once. */
export async function measureGemms(run: GpuBenchRun): Promise<void> {
  for (const [m, n, k] of run.sizes.gemm)
    for (const weight of ['f32', 'bf16', 'int8', 'int4'] as const)
      await measureProduct(run, { m, n, k, mode: 'nt', weight });
}

/** Few rows. */
export async function measureGemvs(run: GpuBenchRun): Promise<void> {
  const { rows, n, k } = run.sizes.gemv;
  for (const weight of ['bf16', 'int8', 'int4'] as const)
    for (const m of rows) await measureProduct(run, { m, n, k, mode: 'nt', weight });
}

/** Every variant of a product; the row is that of the fastest. */
async function tune(run: GpuBenchRun, m: number, n: number, k: number, weight: WeightFormat): Promise<void> {
  const { traits } = run.gpu;
  const options: GemmOptions = { m, n, k, mode: 'nt', weight };
  const times = new Map<string, number>();
  const variants = legalVariants(options, traits).filter(
    (name) => !traits.disabledVariants.has(`gemm/${name}`),
  );
  for (const variant of variants) times.set(variant, await time(run, gemm(options, traits, variant)));
  const sorted = [...times].sort(([, a], [, b]) => a - b);
  const [fastest, least] = sorted[0] ?? ['none', Number.NaN];
  const chosen = selectVariant(options, traits);
  const ratio = (times.get(chosen) ?? Number.NaN) / least;
  const all = sorted.map(([name, ms]) => `${name} ${ms.toPrecision(3)} ms`).join(', ');
  const verdict =
    chosen === fastest ? `${chosen} is chosen` : `${chosen} is chosen, in ${ratio.toFixed(2)} × its time`;
  const call = gemm(options, traits, fastest);
  run.add(
    rowOf(`${m}×${n}×${k}, ${weight}: ${fastest}`, least, call, run.peak, { note: `${verdict}; ${all}` }),
  );
}

/** All variants of the products of a decoder layer, for different numbers of rows. */
export async function measureVariants(run: GpuBenchRun): Promise<void> {
  const { rows, products } = run.sizes.tuner;
  for (const m of rows) for (const [n, k] of products) await tune(run, m, n, k, 'int4');
}
