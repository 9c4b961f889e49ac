// The state of a check: progress, a report, an end that somebody wanted, one that a question brought, an error.
import { expect, it } from 'vitest';
import { createDeviceCheck } from '../../src/state/device_check';
import { DEVICE_REPORT } from './device_check_script';
import { HandEngine } from './engine_script';
import { settled } from './train_script';

const ENDED = { code: 'engine/cancelled', message: 'Cancelled.' } as const;

it('follows a check to its report', async () => {
  const engine = new HandEngine();
  const check = createDeviceCheck(engine);
  engine.emit({ type: 'deviceCheckProgressed', phase: 'speed', done: 1, total: 2 });
  expect(check.progress.value).toBeNull();
  void check.start();
  expect(check.progress.value).toEqual({ phase: 'kernels', done: 0, total: 0 });
  engine.emit({ type: 'deviceCheckProgressed', phase: 'answers', done: 1, total: 5 });
  expect(check.progress.value).toMatchObject({ phase: 'answers', done: 1, total: 5 });
  void check.start();
  expect(engine.calls.filter((name) => name === 'checkDevice')).toHaveLength(1);
  await engine.resolve('checkDevice', DEVICE_REPORT);
  expect([check.progress.value, check.report.value]).toEqual([null, DEVICE_REPORT]);
});

it('tells a check that somebody cancelled from one that a question ended', async () => {
  const engine = new HandEngine();
  const check = createDeviceCheck(engine);
  void check.start();
  check.cancel();
  expect(engine.calls).toContain('cancelDeviceCheck');
  await engine.reject('checkDevice', ENDED);
  expect([check.overtaken.value, check.error.value]).toEqual([false, null]);
  void check.start();
  await settled();
  await engine.reject('checkDevice', ENDED);
  expect([check.overtaken.value, check.report.value]).toEqual([true, null]);
  void check.start();
  await settled();
  await engine.reject('checkDevice', { code: 'gpu/no-adapter', message: 'None.' });
  expect([check.overtaken.value, check.error.value?.code]).toEqual([false, 'gpu/no-adapter']);
});
