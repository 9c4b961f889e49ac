// Defines what the bench of a graphics device measures with and reports: sizes, yardsticks, rows, and how a row is held against
// the yardsticks.

import type { GpuContext } from '../../src/gpu/device';
import { speedOf } from '../../src/services/device_check/device_speed';
import type { StepOptions } from './train_steps';

/** Sizes of every part. */
export interface GpuBenchSizes {
  readonly copyElements: number;
  readonly fma: { readonly count: number; readonly rounds: number };
  /** Milliseconds of each of three samples of a kernel. */
  readonly sampleMs: number;
  /** [m, n, k] of square and of prefill's products, m 1 to 8 of decoding's. */
  readonly gemm: readonly (readonly [m: number, n: number, k: number])[];
  readonly gemv: { readonly rows: readonly number[]; readonly n: number; readonly k: number };
  readonly tuner: {
    readonly rows: readonly number[];
    readonly products: readonly (readonly [n: number, k: number])[];
  };
  readonly decode: { readonly context: number; readonly imageSide: number; readonly steps: number };
  /** Tokens of prompts. */
  readonly prompts: readonly number[];
  readonly train: StepOptions;
}

/** For a graphics card; products are those of Qwen2.5-VL-3B. */
export const FULL_SIZES: GpuBenchSizes = {
  copyElements: 1 << 26,
  fma: { count: 1 << 18, rounds: 1024 },
  sampleMs: 40,
  gemm: [
    [2048, 2048, 2048],
    [4096, 4096, 4096],
    [256, 22016, 2048],
    [1024, 22016, 2048],
    [1024, 2048, 11008],
  ],
  gemv: { rows: [1, 4, 8], n: 22016, k: 2048 },
  tuner: {
    rows: [1, 8, 64, 256],
    products: [
      [2560, 2048],
      [22016, 2048],
      [2048, 11008],
    ],
  },
  decode: { context: 512, imageSide: 16, steps: 64 },
  prompts: [256, 1024],
  train: { prompt: 256, completion: 64, batch: 2, prompts: 1, group: 4, steps: 2 },
};

/** For any device, a software one among them: shows that every part works. */
export const SMALL_SIZES: GpuBenchSizes = {
  copyElements: 1 << 20,
  fma: { count: 1 << 12, rounds: 64 },
  sampleMs: 10,
  gemm: [
    [128, 128, 128],
    [64, 256, 128],
  ],
  gemv: { rows: [1, 8], n: 512, k: 256 },
  tuner: { rows: [1, 64], products: [[256, 128]] },
  decode: { context: 32, imageSide: 2, steps: 4 },
  prompts: [32],
  train: { prompt: 24, completion: 8, batch: 2, prompts: 1, group: 2, steps: 1 },
};

/** What the device does at best: copying, and fused multiply-adds in f32. */
export interface Yardsticks {
  readonly copyGigabytes: number;
  readonly fmaGflops: number;
}

/** One measured thing. */
export interface GpuBenchRow {
  readonly name: string;
  readonly milliseconds: number;
  /** 10⁹ operations in a second, of those that the result needs; null where they are not counted. */
  readonly gflops: number | null;
  /** 10⁹ bytes in a second, of those that must move; null where they are not counted. */
  readonly gigabytes: number | null;
  /** The rate beside that of the yardstick that it comes nearer to; null without yardsticks. */
  readonly share: number | null;
  readonly bound: 'arithmetic' | 'memory' | null;
  readonly tokensPerSecond: number | null;
  /** What else is to be said. */
  readonly note: string;
}

/** Where a part measures, and where it puts its rows. */
export interface GpuBenchRun {
  readonly gpu: GpuContext;
  readonly sizes: GpuBenchSizes;
  /** Null where the device could not be held against any. */
  readonly peak: Yardsticks | null;
  readonly signal: AbortSignal;
  add(row: GpuBenchRow): void;
}

/** A row held against the yardsticks. @param work operations and bytes; 0 where they are not counted */
export function rowOf(
  name: string,
  milliseconds: number,
  work: { readonly flops: number; readonly bytes: number },
  peak: Yardsticks | null,
  more: { readonly tokensPerSecond?: number; readonly note?: string } = {},
): GpuBenchRow {
  const counted = work.flops > 0 || work.bytes > 0;
  const held = peak && counted ? speedOf(name, work, milliseconds, peak) : null;
  return {
    ...{ name, milliseconds },
    gflops: work.flops > 0 ? work.flops / milliseconds / 1e6 : null,
    gigabytes: work.bytes > 0 ? work.bytes / milliseconds / 1e6 : null,
    share: held?.share ?? null,
    bound: held?.bound ?? null,
    tokensPerSecond: more.tokensPerSecond ?? null,
    note: more.note ?? '',
  };
}
