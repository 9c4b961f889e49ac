// Decode steps whose attention divides the keys among workgroups or threads, against the same step on the plain path, over 20
// tokens.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { type CacheFormat, cachePositions, cacheWords } from '../../src/kernels/cache_shape';
import { packSequenceStates } from '../../src/kernels/sequence_words';
import { buildDecodeProgram, type DecodeAttentionForm } from '../../src/model/decode_program';
import { KvCache, rangeKeyClasses } from '../../src/model/kv_cache';
import { createSequenceState } from '../../src/model/session_state';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { writeTensor } from '../../src/tensor/tensor_memory';
import { elementCount } from '../../src/tensor/trace';
import { noise } from '../harness/check_op';
import { testGpu } from '../harness/gpu';
import { fixtureModel, maxDifference } from '../harness/model_fixture';

let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await VisionLanguageModel.load(
    gpu,
    fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']),
  );
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

const STEPS = 20;
const IMAGE_TOKENS = 9;

/** Ids, shares and maps of every step of two sequences, of which the first has a prefix, over a cache of noise. */
async function decode(attention: DecodeAttentionForm, format: CacheFormat) {
  const { config, device } = model;
  const scope = new GpuScope(gpu);
  // Capacities for three splits.
  const shape = { slots: 2, capacity: 300, prefixes: 1, prefixCapacity: 20, format };
  const cache = scope.own(new KvCache(gpu, config.text, shape));
  const count = elementCount(cache.layers[0]!.k.shape);
  for (const [layer, { k, v }] of cache.layers.entries())
    for (const [part, tensor] of [k, v].entries())
      writeTensor(gpu, tensor, cacheWords(noise(count, 2 * layer + part), shape.format));
  expect(count % cachePositions(shape)).toBe(0);
  const classes = rangeKeyClasses(1, IMAGE_TOKENS, 17);
  // A place of the map belongs to one key of a sequence: the first has its image in the prefix.
  for (const slot of [1, 2]) cache.writeKeyClasses(slot, classes);
  cache.writeKeyClasses(0, new Uint32Array());
  const prefixes = { count: 1, capacity: 20 };
  const state = createSequenceState(scope, config, {
    ...{ batch: 2, capacity: 300, prefixes, eosTokenIds: [] },
  });
  const running = { generated: 0, done: 0, prefixSlot: 2 };
  const sequences = packSequenceStates([
    { ...running, slot: 0, length: 5, prefixLength: 17, position: 22, token: 7 },
    { ...running, slot: 1, length: 0, prefixLength: 0, position: 0, token: 11 },
  ]);
  writeTensor(gpu, state.sequences, sequences);
  const capture = { mapLayers: [0, 2], mapSize: IMAGE_TOKENS };
  const program = scope.own(
    await buildDecodeProgram(device, { batch: 2, cache, state, capture, reach: 'greedy', attention }),
  );
  const steps = [];
  for (let step = 0; step < STEPS; step++) {
    program.submit();
    const logits = (await program.read('logits')) as Float32Array;
    const vocab = logits.length / 2;
    const ids = [0, 1].map((row) => {
      const scores = logits.subarray(row * vocab, (row + 1) * vocab);
      return scores.indexOf(Math.max(...scores));
    });
    const [shares, map] = [await program.read('shares'), await program.read('map')];
    steps.push({ ids, shares: shares as Float32Array, map: map as Float32Array });
  }
  const { dispatches } = program;
  scope.destroy();
  return { steps, dispatches };
}

it.each([
  // Keys may be rounded to the other neighbour in f16; else the same sums in another order.
  ['split', 'f16', 0, 1e-4],
  // Rotation and append are no dispatch of their own.
  ['quad', 'f32', 1, 1e-5],
] as const)(
  'gives the tokens, shares and maps of the plain path: %s, %s',
  async (form, format, fewer, tolerance) => {
    const [plain, other] = [await decode('plain', format), await decode(form, format)];
    const layers = model.config.text.numHiddenLayers;
    expect(other.dispatches).toBe(plain.dispatches - fewer * layers);
    expect(other.steps.map(({ ids }) => ids)).toEqual(plain.steps.map(({ ids }) => ids));
    expect(new Set(plain.steps.map(({ ids }) => ids[0])).size).toBeGreaterThan(3);
    other.steps.forEach(({ shares, map }, step) => {
      const truth = plain.steps[step]!;
      expect(maxDifference(shares, truth.shares), `shares of step ${step}`).toBeLessThan(tolerance);
      expect(maxDifference(map, truth.map), `map of step ${step}`).toBeLessThan(tolerance);
      expect(Math.max(...map)).toBeGreaterThan(0);
    });
  },
);
