// Measuring the loaded model: one at a time, and over when somebody cancels it.
import { expect, it } from 'vitest';
import type { Reasoner } from '../../../src/lookback/reasoner';
import type { Loaded } from '../../../src/services/answers/engine';
import { QualityHost } from '../../../src/services/library/quality_host';
import type { ModelQuality } from '../../../src/worker/protocol/models';

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

function hostOf(measure: (signal: AbortSignal) => Promise<ModelQuality>) {
  const loaded = { gpu: { untilLost: <T>(work: Promise<T>) => work } } as unknown as Loaded<Reasoner>;
  return new QualityHost({
    engine: { interlude: (work) => work(loaded, new AbortController().signal) },
    measure: (given, signal) => {
      expect(given).toBe(loaded);
      return measure(signal);
    },
  });
}

it('hands out what was measured', async () => {
  const quality = { id: 'm' } as ModelQuality;
  expect(await hostOf(async () => quality).measureQuality()).toBe(quality);
});

it('measures one at a time, and another after that was cancelled', async () => {
  const host = hostOf(untilAborted);
  const first = expect(host.measureQuality()).rejects.toMatchObject({ name: 'AbortError' });
  await expect(host.measureQuality()).rejects.toMatchObject({ code: 'engine/state' });
  await host.cancelQuality();
  await first;
  const second = expect(host.measureQuality()).rejects.toMatchObject({ name: 'AbortError' });
  await host.cancelQuality();
  await second;
});
