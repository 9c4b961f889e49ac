// Measures how fast a device copies and multiplies, and how near the kernels that take most of a model's time come to
// that: each is held against the yardstick that bounds it, as in the roofline model (Williams, Waterman, Patterson 2009).

import type { DeviceTraits, GpuContext } from '../../gpu/device';
import type { KernelCall } from '../../gpu/kernel';
import { measureCall } from '../../gpu/measured_time';
import { elementwise } from '../../kernels/elementwise';
import { fmaPeak } from '../../kernels/fma_peak';
import { gemm } from '../../kernels/gemm';
import type { DeviceSpeed, KernelSpeed } from '../../worker/protocol/device_check';

/** How measuring is followed and ended. */
export interface SpeedOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** After so many milliseconds, kernels that are left are not measured. */
  readonly limitMs: number;
}

const SAMPLE_MS = 40;
/** Sizes that keep a device busy for a moment: a processor that draws by itself is a thousand times slower. */
const HARDWARE = { copy: 1 << 25, fma: { count: 1 << 18, rounds: 1024 }, square: 2048, row: [8192, 2048] };
const SOFTWARE = { copy: 1 << 22, fma: { count: 1 << 14, rounds: 256 }, square: 256, row: [2048, 512] };

/** The products of prefill and of decoding, where nearly all of a model's time goes. */
function hotCalls(traits: DeviceTraits): readonly (readonly [string, KernelCall])[] {
  const { square, row } = traits.software ? SOFTWARE : HARDWARE;
  const [n = 1, k = 1] = row;
  const prefill = { m: square, n: square, k: square, mode: 'nt' } as const;
  const decode = { m: 1, n, k, mode: 'nt' } as const;
  return [
    [`GEMM ${square}³, f32`, gemm({ ...prefill, weight: 'f32' }, traits)],
    [`GEMM ${square}³, bf16 weights`, gemm({ ...prefill, weight: 'bf16' }, traits)],
    [`GEMM ${square}³, int4 weights`, gemm({ ...prefill, weight: 'int4' }, traits)],
    [`one row × ${n}×${k}, bf16 weights`, gemm({ ...decode, weight: 'bf16' }, traits)],
    [`one row × ${n}×${k}, int4 weights`, gemm({ ...decode, weight: 'int4' }, traits)],
  ];
}

/** Holds a time against both yardsticks; the one that it comes nearer to bounds it. */
export function speedOf(
  name: string,
  call: Pick<KernelCall, 'flops' | 'bytes'>,
  milliseconds: number,
  peak: Pick<DeviceSpeed, 'copyGigabytes' | 'fmaGflops'>,
): KernelSpeed {
  const [gflops, gigabytes] = [call.flops / milliseconds / 1e6, call.bytes / milliseconds / 1e6];
  const [arithmetic, memory] = [gflops / peak.fmaGflops, gigabytes / peak.copyGigabytes];
  const bound = arithmetic >= memory ? 'arithmetic' : 'memory';
  return { name, milliseconds, gflops, gigabytes, bound, share: Math.max(arithmetic, memory) };
}

/**
 * Measures the device.
 * @throws the signal's reason when aborted; GpuError when the device goes
 */
export async function measureSpeed(gpu: GpuContext, o: SpeedOptions): Promise<DeviceSpeed> {
  const { traits } = gpu;
  const sizes = traits.software ? SOFTWARE : HARDWARE;
  const count = Math.min(sizes.copy, Math.floor(traits.maxBindingBytes / 4));
  const copy = elementwise({ kind: 'copy', count }, traits);
  const fma = fmaPeak({ ...sizes.fma, a: 0.5, b: 0.5 }, traits);
  const hot = hotCalls(traits);
  const began = o.now();
  let done = 0;
  const timed = async (call: KernelCall): Promise<number> => {
    o.onProgress(done, hot.length + 2);
    const taken = await measureCall(gpu, call, { sampleMs: SAMPLE_MS, now: o.now, signal: o.signal });
    done++;
    return taken;
  };
  const copyGigabytes = copy.bytes / (await timed(copy)) / 1e6;
  const fmaGflops = fma.flops / (await timed(fma)) / 1e6;
  const kernels: KernelSpeed[] = [];
  for (const [name, call] of hot) {
    if (o.now() - began > o.limitMs) break;
    kernels.push(speedOf(name, call, await timed(call), { copyGigabytes, fmaGflops }));
  }
  o.onProgress(done, done);
  return { copyGigabytes, fmaGflops, kernels };
}
