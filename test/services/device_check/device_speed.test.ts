// Which yardstick bounds a kernel, and how near it comes.
import { expect, it } from 'vitest';
import { speedOf } from '../../../src/services/device_check/device_speed';

const PEAK = { copyGigabytes: 100, fmaGflops: 1000 };

it('holds a kernel against the yardstick that it comes nearer to', () => {
  // 500 GFLOP/s and 10 GB/s.
  const busy = speedOf('gemm', { flops: 5e9, bytes: 1e8 }, 10, PEAK);
  expect(busy).toMatchObject({ gflops: 500, gigabytes: 10, bound: 'arithmetic', share: 0.5 });
  // 20 GFLOP/s and 80 GB/s.
  const waiting = speedOf('gemv', { flops: 2e8, bytes: 8e8 }, 10, PEAK);
  expect(waiting).toMatchObject({ gflops: 20, gigabytes: 80, bound: 'memory', share: 0.8 });
});
