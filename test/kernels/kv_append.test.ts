// Appending prefilled keys and values: right cells written, every other cell untouched.
import { expect, it } from 'vitest';
import { kvAppend, SKIP_SLOT } from '../../src/kernels/kv_append';
import { testGpu } from '../harness/gpu';
import { normals, runTwice } from './support';

it.each([
  { tokens: 1, kvHeads: 1, headSize: 1, capacity: 1 },
  { tokens: 11, kvHeads: 3, headSize: 7, capacity: 5 },
])('stores every token at its target: %o', async (o) => {
  const gpu = await testGpu();
  const slots = 4;
  const size = o.kvHeads * o.headSize;
  const [k, v] = [normals(o.tokens * size, 1), normals(o.tokens * size, 2)];
  const cache = normals(slots * o.capacity * size, 3);
  const targets = new Uint32Array(o.tokens * 2);
  for (let t = 0; t < o.tokens; t++) {
    // Token 3 is skipped; token 5 lies past the capacity.
    targets.set([t === 3 ? SKIP_SLOT : (t + 2) % slots, t === 5 ? o.capacity : Math.floor(t / slots)], 2 * t);
  }
  const [, , , kCache, vCache] = await runTwice(gpu, kvAppend(o, gpu.traits), [k, v, targets, cache, cache]);
  for (const [written, given] of [
    [kCache, k],
    [vCache, v],
  ] as const) {
    const want = cache.slice();
    for (let t = 0; t < o.tokens; t++) {
      const [slot, index] = [targets[2 * t]!, targets[2 * t + 1]!];
      if (slot === SKIP_SLOT || index >= o.capacity) continue;
      for (let i = 0; i < size; i++) {
        const head = Math.floor(i / o.headSize);
        want[((slot * o.kvHeads + head) * o.capacity + index) * o.headSize + (i % o.headSize)] =
          given[t * size + i]!;
      }
    }
    expect(written).toEqual(want);
  }
});
