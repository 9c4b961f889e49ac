// A whole check on the test's device: kernels compared, answers asked, speeds measured; a wrong variant is switched off and
// told, and an answer that cannot be had does not end the check.
import { afterEach, expect, it } from 'vitest';
import { GpuError } from '../../../src/lib/errors';
import { checkDevice } from '../../../src/services/device_check/device_check';
import { sweepKernels } from '../../../src/services/device_check/kernel_sweep';
import { deviceVerdict } from '../../../src/state/device_report';
import type { DeviceCheckEvent } from '../../../src/worker/protocol/device_check';
import { testGpu } from '../../harness/gpu';

const ANSWER = { id: 'a', adapter: false, tokens: 3, differs: null, tie: false };

afterEach(async () => {
  (await testGpu()).traits.disabledVariants.clear();
});

it('tells what was compared, what was left out, and how fast the device is', async () => {
  const gpu = await testGpu();
  const events: DeviceCheckEvent[] = [];
  const parts = {
    answers: async (_gpu: unknown, _signal: unknown, told: (done: number, total: number) => void) => {
      told(1, 1);
      return [ANSWER];
    },
    onProgress: (event: DeviceCheckEvent) => events.push(event),
    now: () => performance.now(),
    // Compiling all kernels is compile.test.ts's; here those of a moment are enough.
    sweepMs: 300,
  };
  const report = await checkDevice(gpu, parts, new AbortController().signal);
  expect(report.kernels.compiled).toBeGreaterThan(0);
  expect(report.kernels.verified.length).toBeGreaterThan(0);
  expect([report.kernels.disabled, report.kernels.broken]).toEqual([[], []]);
  expect(report.answers).toEqual([ANSWER]);
  expect(report.speed.copyGigabytes).toBeGreaterThan(0);
  expect(report.speed.fmaGflops).toBeGreaterThan(0);
  for (const { share, name } of report.speed.kernels) expect(share, name).toBeGreaterThan(0);
  expect(new Set(events.map(({ phase }) => phase))).toEqual(new Set(['kernels', 'answers', 'speed']));
  expect(deviceVerdict(report)).toBe(report.kernels.left === 0 ? 'right' : 'reduced');
});

it('goes on without the answers, and says why there are none', async () => {
  const gpu = await testGpu();
  const answers = () => Promise.reject(new GpuError('gpu/limit', 'Too small.'));
  const parts = { answers, onProgress: () => undefined, now: () => performance.now(), sweepMs: 0 };
  const report = await checkDevice(gpu, parts, new AbortController().signal);
  expect([report.answers, report.answersLeftOut]).toEqual([null, 'Too small.']);
});

it('tries nothing once it is cancelled', async () => {
  const gpu = await testGpu();
  const signal = AbortSignal.abort();
  const options = { signal, onProgress: () => undefined, now: () => 0, limitMs: 1000 };
  await expect(sweepKernels(gpu, options)).rejects.toMatchObject({ name: 'AbortError' });
});
