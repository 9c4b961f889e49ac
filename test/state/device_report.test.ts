// The report of a check: its verdict, and every finding in a line of its own.
import { describe, expect, it } from 'vitest';
import { deviceReportText, deviceVerdict } from '../../src/state/device_report';
import { DEVICE_REPORT } from './device_check_script';

describe('the verdict', () => {
  const { kernels } = DEVICE_REPORT;
  const fault = { name: 'gemm/tiled_64', reason: 'It is wrong.' };
  const wrongAnswer = { id: 'b', adapter: false, tokens: 4, differs: 2, tie: false };

  it.each([
    ['right', {}],
    ['reduced', { kernels: { ...kernels, disabled: [fault] } }],
    ['reduced', { kernels: { ...kernels, left: 3 } }],
    ['reduced', { answers: null, answersLeftOut: 'No room.' }],
    ['wrong', { kernels: { ...kernels, broken: [fault] } }],
    ['wrong', { answers: [wrongAnswer] }],
    ['right', { answers: [{ ...wrongAnswer, tie: true }] }],
  ] as const)('is %s', (verdict, change) => {
    expect(deviceVerdict({ ...DEVICE_REPORT, ...change })).toBe(verdict);
  });
});

it('writes every finding in a line', () => {
  const report = {
    ...DEVICE_REPORT,
    kernels: { ...DEVICE_REPORT.kernels, disabled: [{ name: 'gemm/tiled_64', reason: 'Error 1e+0.' }] },
  };
  expect(deviceReportText(report, { browser: 'B 1' }).split('\n')).toEqual([
    'verdict: reduced',
    'device: Test GPU (maker gen-1)',
    'features: shader-f16, no subgroups',
    'limits: buffer 1.0 GiB, binding 128 MiB',
    'browser: B 1',
    'kernels: 120 compile, 2 compared and right, 1 switched off, 0 do not compile, 0 not reached',
    '  off gemm/tiled_64: Error 1e+0.',
    'answers: 2 of 2 as Hugging Face transformers gives them',
    '  sheet with the adapter: all 40 tokens agree',
    '  photograph: token 3 of 12 differs, where two were equally likely',
    'copy: 400 GB/s',
    'multiply-adds: 9000 GFLOP/s',
    '  GEMM: 4500 GFLOP/s, 20.0 GB/s, 50 % of what arithmetic allows',
    'took: 41.5 s',
  ]);
});
