// The state of a measurement over a scripted engine: progress only while one goes on, and a result for its model alone.
import { expect, it } from 'vitest';
import { createQualityState } from '../../src/state/model_quality';
import { HandEngine, LOADED_MODEL } from './engine_script';

it('takes progress while it measures, and one measurement at a time', async () => {
  const engine = new HandEngine();
  const quality = createQualityState(engine);
  const event = { type: 'qualityProgressed', phase: 'answers', done: 1, total: 3 } as const;
  engine.emit(event);
  expect(quality.progress.value).toBeNull();
  const measuring = quality.measure();
  await quality.measure();
  expect(engine.calls.filter((name) => name === 'measureQuality')).toHaveLength(1);
  engine.emit(event);
  expect(quality.progress.value).toEqual({ phase: 'answers', done: 1, total: 3 });
  await engine.reject('measureQuality', { code: 'model/safetensors', message: 'damaged' });
  await measuring;
  expect([quality.progress.value, quality.error.value?.code, quality.overtaken.value]).toEqual([
    null,
    'model/safetensors',
    false,
  ]);
});

it('forgets a result when a model is loaded', async () => {
  const engine = new HandEngine();
  const quality = createQualityState(engine);
  const measuring = quality.measure();
  await engine.resolve('measureQuality', { id: 'pocket' });
  await measuring;
  expect(quality.result.value?.id).toBe('pocket');
  engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
  expect(quality.result.value).toBeNull();
});
