// Runs the page half of the GEMM bench: makes one device and offers `measure` to the driver outside
// (tools/bench_gemm.ts), which waits for `ready`.

import { acquireDevice, type GpuContext } from '../../src/gpu/device';
import type { GemmOptions } from '../../src/kernels/gemm';
import { type GemmTiming, measureGemm } from './gemm';

declare global {
  interface Window {
    /** Adapter description once the device exists, else the reason why it does not. */
    gemmAdapter: string;
    measureGemm(options: GemmOptions, variant?: string): Promise<GemmTiming>;
    gemmReady: boolean;
  }
}

let gpu: GpuContext | undefined;
try {
  gpu = await acquireDevice();
  window.gemmAdapter = gpu.traits.description;
} catch (error) {
  window.gemmAdapter = String(error);
}
window.measureGemm = (options, variant) => {
  if (!gpu) throw new Error(window.gemmAdapter);
  return measureGemm(gpu, options, variant);
};
window.gemmReady = true;
