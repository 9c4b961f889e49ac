// What a precision costs, measured on pocket: errors of the weights by role against the stored file, and of the answers.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { Reasoner } from '../../../src/lookback/reasoner';
import { measureQuality } from '../../../src/services/library/model_quality';
import type { QualityEvent } from '../../../src/worker/protocol/models';
import { testGpu } from '../../harness/gpu';
import { loadPicture, pocketFiles } from '../../harness/pocket';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const entry = { id: 'pocket', label: 'Pocket', folder: '', bytes: 1, files: [] };
const pictures = (name: string) => loadPicture(`/public/examples/${name}`);

it('measures weights and answers, and says how far it is', async () => {
  const files = pocketFiles('pocket');
  const model = await Reasoner.load(gpu, files, { precision: 'int4' });
  const events: QualityEvent[] = [];
  const before = gpu.counters.bufferBytes;
  const loaded = { gpu, model, entry, files, choice: {} };
  const quality = await measureQuality(
    loaded,
    { readPicture: pictures, onProgress: (event) => events.push(event) },
    new AbortController().signal,
  );
  expect(quality).toMatchObject({ id: 'pocket', precision: 'int4', leftOut: null });
  const roles = quality.roles.map(({ role, formats }) => [role, formats[0]]);
  expect(roles).toEqual([
    ['text', 'int4'],
    ['vocabulary', 'int8'],
    ['vision', 'int8'],
  ]);
  // Rounding to 15 levels moves a weight by some percent of the norm, to 255 levels by some thousandths.
  const [text, ...others] = quality.roles.map(({ relative }) => relative);
  expect(text).toBeGreaterThan(0.03);
  expect(text).toBeLessThan(0.15);
  for (const other of others) expect(other).toBeLessThan(0.01);
  expect(quality.worst.map(({ relative }) => relative)).toEqual(
    quality.worst.map(({ relative }) => relative).sort((a, b) => b - a),
  );
  const { logits } = quality;
  expect(logits?.questions).toBe(3);
  expect(logits?.kl).toBeGreaterThan(0);
  expect(logits?.largestKl).toBeGreaterThanOrEqual(logits?.kl ?? 0);
  expect(logits?.agreement).toBeGreaterThan(0.5);
  const last = (phase: QualityEvent['phase']) => events.findLast((event) => event.phase === phase);
  for (const phase of ['weights', 'answers'] as const) expect(last(phase)?.done).toBe(last(phase)?.total);
  // The second copy is gone.
  expect(gpu.counters.bufferBytes).toBe(before);
  model.destroy();
});

it('leaves the answers out where the device does not hold the model twice, and ends when aborted', async () => {
  const files = pocketFiles('pocket');
  const model = await Reasoner.load(gpu, files, { precision: 'int8' });
  const stop = new AbortController();
  const parts = { readPicture: pictures, onProgress: () => undefined };
  // Smaller than any buffer that a model needs.
  const small = { ...gpu, traits: { ...gpu.traits, maxBufferBytes: 1024 } };
  const loaded = { gpu: small, model, entry, files, choice: {} };
  const quality = await measureQuality(loaded, parts, stop.signal);
  expect(quality.logits).toBeNull();
  expect(quality.leftOut).toMatch(/^The answers were not compared: that needs the model a second time/);
  expect(quality.relative).toBeGreaterThan(0);
  const ending = { ...parts, onProgress: () => stop.abort() };
  await expect(measureQuality(loaded, ending, stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
  model.destroy();
});
