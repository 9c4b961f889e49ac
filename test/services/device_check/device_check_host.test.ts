// Checking the device: with the loaded model's or one of its own, one check at a time, over when it is cancelled.
import { expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import type { Reasoner } from '../../../src/lookback/reasoner';
import type { Loaded } from '../../../src/services/answers/engine';
import { DeviceCheckHost } from '../../../src/services/device_check/device_check_host';
import type { DeviceReport } from '../../../src/worker/protocol/device_check';

const gpuNamed = (name: string) =>
  ({ name, untilLost: <T>(work: Promise<T>) => work }) as unknown as GpuContext & { readonly name: string };

function hostOf(loaded: boolean, check: (gpu: GpuContext, signal: AbortSignal) => Promise<DeviceReport>) {
  const model = { gpu: gpuNamed('lent') } as unknown as Loaded<Reasoner>;
  return new DeviceCheckHost({
    engine: {
      loaded: loaded ? model : undefined,
      device: async () => gpuNamed('own'),
      interlude: (work) => work(model, new AbortController().signal),
    },
    check,
  });
}

it('takes the device of the loaded model, or one of its own where none could be loaded', async () => {
  const seen: unknown[] = [];
  const check = async (gpu: GpuContext) => {
    seen.push((gpu as unknown as { name: string }).name);
    return {} as DeviceReport;
  };
  await hostOf(true, check).checkDevice();
  await hostOf(false, check).checkDevice();
  expect(seen).toEqual(['lent', 'own']);
});

it('checks one at a time, and again after that was cancelled', async () => {
  const host = hostOf(true, (_, signal) => {
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  for (let round = 0; round < 2; round++) {
    const first = expect(host.checkDevice()).rejects.toMatchObject({ name: 'AbortError' });
    await expect(host.checkDevice()).rejects.toMatchObject({ code: 'engine/state' });
    await host.cancelDeviceCheck();
    await first;
  }
});
