// What a check of a device found, made up: for tests of its words and its panel.
import type { DeviceReport } from '../../src/worker/protocol/device_check';

/** Everything right, one answer by a tie. */
export const DEVICE_REPORT: DeviceReport = {
  device: {
    ...{ description: 'Test GPU', vendor: 'maker', architecture: 'gen-1', software: false },
    ...{ shaderF16: true, subgroups: false, maxBufferBytes: 2 ** 30, maxBindingBytes: 2 ** 27 },
  },
  kernels: { compiled: 120, verified: ['gemm/a', 'gemm/b'], disabled: [], broken: [], left: 0 },
  answers: [
    { id: 'sheet', adapter: true, tokens: 40, differs: null, tie: false },
    { id: 'photograph', adapter: false, tokens: 12, differs: 2, tie: true },
  ],
  answersLeftOut: null,
  speed: {
    ...{ copyGigabytes: 400, fmaGflops: 9000 },
    kernels: [
      { name: 'GEMM', milliseconds: 2, gflops: 4500, gigabytes: 20, bound: 'arithmetic', share: 0.5 },
    ],
  },
  seconds: 41.5,
};
