// A wrong kernel must be found before it is used, disabled, and replaced; a right one is checked once.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import type { KernelCall, KernelCheck } from '../../src/gpu/kernel';
import {
  kernelProfile,
  VariantDisabledError,
  verifyCalls,
  withCheckedVariants,
} from '../../src/gpu/self_check';
import { ATTENTION_VARIANTS } from '../../src/kernels/attention_stream';
import { unsharedCache } from '../../src/kernels/cache_shape';
import { decodeAttention } from '../../src/kernels/decode_attention';
import { gemm } from '../../src/kernels/gemm';
import { legalVariants, selectVariant } from '../../src/kernels/gemm_select';
import { segmentAttention } from '../../src/kernels/segment_attention';
import { testGpu } from '../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(async () => {
  gpu.traits.disabledVariants.clear();
  await gpu.fence();
});

/** The same call with a shader that adds one to what it should store. */
function broken(call: KernelCall, variant: string): KernelCall {
  const wrong = {
    ...call.kernel,
    source: `${call.kernel.source}\n// broken`,
    name: `${call.kernel.name} broken`,
  };
  return {
    ...call,
    kernel: wrong,
    check: () => {
      const good = call.check!();
      return {
        ...good,
        variant,
        call: { ...good.call, kernel: wrong },
        expected: Array.from(good.expected, (x) => x + 1),
      };
    },
  };
}

describe('self-check', () => {
  // Compiling is what takes time here, most of all the largest tile, which is the smaller one with other constants:
  // these are kernels that gemm.test.ts compiles as well.
  it.each([
    ['nt', 'bf16', 4, 4, 4],
    ['nt', 'f16', 33, 31, 65],
    ['nn', 'bf16', 33, 31, 65],
    ['tn', 'f32', 33, 31, 65],
  ] as const)('accepts the GEMM variants of mode %s with %s weights', async (mode, weight, m, n, k) => {
    const options = { m, n, k, mode, weight };
    const variants = legalVariants(options, gpu.traits).filter((variant) => variant !== 'tiled_64');
    const calls = variants.map((variant) => gemm(options, gpu.traits, variant));
    // The check really runs the kernel that will be used.
    for (const call of calls)
      expect(call.check!().call.kernel.source, call.kernel.name).toBe(call.kernel.source);
    await verifyCalls(gpu, calls);
    expect(gpu.traits.disabledVariants.size).toBe(0);
  });

  it.each([
    { format: 'f32', heads: 4, kvHeads: 2, headSize: 32, tokens: 40, keys: 40, scale: 0.2 },
    {
      format: 'f16',
      heads: 7,
      kvHeads: 1,
      headSize: 20,
      tokens: 1,
      keys: 9,
      scale: 0.3,
      saveLse: false,
      capture: { mapSize: 4 },
    },
  ] as const)('accepts the attention variants of %o', async ({ format, ...options }) => {
    const byHead = format === 'f16' ? { byHead: format } : {};
    const cache = unsharedCache(3, 50, format);
    const calls = ATTENTION_VARIANTS.flatMap((variant) => [
      segmentAttention({ ...options, ...byHead }, gpu.traits, variant),
      ...decodeAttention({ ...options, batch: 3, cache }, gpu.traits, variant),
    ]);
    for (const call of calls)
      expect(call.check!().call.kernel.source, call.kernel.name).toBe(call.kernel.source);
    await verifyCalls(gpu, calls);
    expect(gpu.traits.disabledVariants.size).toBe(0);
  });

  it('disables a wrong variant and lets the caller choose another', async () => {
    const options = { m: 4, n: 12, k: 8, mode: 'nt', weight: 'f32' } as const;
    const first = selectVariant(options, gpu.traits);
    const chosen: string[] = [];
    await withCheckedVariants(gpu, async () => {
      const variant = selectVariant(options, gpu.traits);
      chosen.push(variant);
      const call = gemm(options, gpu.traits);
      await verifyCalls(gpu, [variant === first ? broken(call, `gemm/${variant}`) : call]);
    });
    expect(chosen).toHaveLength(2);
    expect(chosen[1]).not.toBe(first);
    expect(kernelProfile(gpu).disabled).toEqual([`gemm/${first}`]);
    gpu.traits.disabledVariants.clear();
  });

  it('gives up when nothing is left to disable', async () => {
    const call = gemm({ m: 3, n: 5, k: 7, mode: 'nn', weight: 'f32' }, gpu.traits);
    const build = () => verifyCalls(gpu, [broken(call, 'gemm/always')]);
    await expect(withCheckedVariants(gpu, build)).rejects.toThrow(VariantDisabledError);
    gpu.traits.disabledVariants.clear();
  });

  it('checks a kernel once per device', async () => {
    let checks = 0;
    const call = gemm({ m: 2, n: 8, k: 8, mode: 'nt', weight: 'f32', accumulate: true }, gpu.traits);
    const check = (): KernelCheck => {
      checks++;
      return call.check!();
    };
    const counted = { ...call, check };
    await verifyCalls(gpu, [counted, counted]);
    await verifyCalls(gpu, [counted]);
    expect(checks).toBe(1);
    expect(kernelProfile(gpu).verified).toContain(call.kernel.name);
  });
});
