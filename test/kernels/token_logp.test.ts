// Log-probabilities over chunks of the vocabulary against f64: one chunk, many, outliers, ignored rows, argmax.

import { describe, expect, it } from 'vitest';
import { tokenLogp, tokenLogpBackward } from '../../src/kernels/token_logp';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { crossEntropyBackwardReference, crossEntropyReference } from '../reference/token_logp';
import { dirty, expectClose, normals } from './support';

const ROWS = 6;
const VOCAB = 301;
const LABELS = Int32Array.from([0, 300, -100, 127, 128, 256]);

function logitsOf(seed: number): Float32Array {
  const logits = normals(ROWS * VOCAB, seed, 4);
  logits[5 * VOCAB + 3] = 1e4;
  return logits;
}

function columns(logits: Float32Array, first: number, cols: number): Float32Array {
  return Float32Array.from(
    { length: ROWS * cols },
    (_, i) => logits[Math.floor(i / cols) * VOCAB + first + (i % cols)]!,
  );
}

describe('tokenLogp', () => {
  it.each([[301], [128], [7]])('merges chunks of %i ids', async (size) => {
    const gpu = await testGpu();
    const logits = logitsOf(3);
    const truth = crossEntropyReference(logits, LABELS, 0.7);
    for (const traits of [gpu.traits, { ...gpu.traits, software: !gpu.traits.software }]) {
      let state = dirty(ROWS * 5);
      for (let first = 0; first < VOCAB; first += size) {
        const cols = Math.min(size, VOCAB - first);
        const last = first + size >= VOCAB;
        const call = tokenLogp({ rows: ROWS, cols, first, temperature: 0.7, last }, traits);
        const results = last ? [dirty(ROWS), dirty(ROWS), dirty(ROWS), new Uint32Array(ROWS)] : [];
        const out = await runCall(gpu, call, [columns(logits, first, cols), LABELS, state, ...results]);
        state = out[2] as Float32Array<ArrayBuffer>;
        if (!last) continue;
        // The outlier row's lse is 1.4e4: its f32 spacing is 1e-3, so rows are compared relative to their size.
        expectClose(out[3]!.subarray(0, 5), truth.logp.subarray(0, 5), { abs: 2e-5 }, 'logp');
        expectClose(out[3]!, truth.logp, { rel: 1e-6 }, 'logp with outlier');
        expectClose(out[4]!, truth.lse, { rel: 1e-6 }, 'lse');
        expectClose(out[5]!, truth.entropy, { abs: 2e-5 }, 'entropy');
        const best = Array.from({ length: ROWS }, (_, r) => {
          const row = logits.subarray(r * VOCAB, (r + 1) * VOCAB);
          return row.indexOf(Math.max(...row));
        });
        expect([...out[6]!]).toEqual(best);
      }
    }
  });

  it.each([[301], [100]])('gives the gradient of every chunk of %i ids', async (size) => {
    const gpu = await testGpu();
    const logits = normals(ROWS * VOCAB, 5, 2);
    const dlogp = normals(ROWS, 6);
    const lse = Float32Array.from(crossEntropyReference(logits, LABELS, 2).lse);
    const truth = crossEntropyBackwardReference(logits, LABELS, dlogp, 2).map((g) => -g);
    for (let first = 0; first < VOCAB; first += size) {
      const cols = Math.min(size, VOCAB - first);
      const call = tokenLogpBackward({ rows: ROWS, cols, first, temperature: 2 }, gpu.traits);
      const out = await runCall(gpu, call, [LABELS, lse, dlogp, columns(logits, first, cols)]);
      expectClose(out[3]!, columns(Float32Array.from(truth), first, cols), { abs: 1e-6 });
    }
  });

  it('refuses a temperature of zero', async () => {
    const { traits } = await testGpu();
    expect(() => tokenLogp({ rows: 1, cols: 1, first: 0, temperature: 0, last: true }, traits)).toThrow(
      /temperature is 0/,
    );
  });
});
