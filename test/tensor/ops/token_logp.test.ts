// The log-probability primitive over stored weights: values and gradients in f64, one chunk and many.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { tokenLogps } from '../../../src/tensor/ops/token_logp';
import { externalTensor, Trace } from '../../../src/tensor/trace';
import { denseWeight } from '../../../src/tensor/weight';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { crossEntropyReference } from '../../reference/token_logp';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const [ROWS, WIDTH, VOCAB] = [5, 12, 300];
const LABELS = Int32Array.from([7, 299, -100, 130, 256]);

describe('tokenLogps', () => {
  it.each([1 << 20, 4 * ROWS * 130])('with a scratch of %i bytes', async (scratchBytes) => {
    const weights = noise(VOCAB * WIDTH, 2).map((v) => 3 * v);
    const buffer = gpu.createBuffer(
      weights.byteLength,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
      'vocabulary',
    );
    gpu.device.queue.writeBuffer(buffer, 0, weights as Float32Array<ArrayBuffer>);
    const weight = externalTensor('vocabulary', [VOCAB, WIDTH], 'f32', {
      buffer,
      offset: 0,
      bytes: weights.byteLength,
    });
    await checkOp(gpu, {
      inputs: {
        hidden: { shape: [ROWS, WIDTH], data: noise(ROWS * WIDTH, 1), grad: true },
        labels: { shape: [ROWS], data: LABELS, dtype: 'i32' },
      },
      build: (trace, t) =>
        tokenLogps(trace, t.hidden!, denseWeight(weight), t.labels!, { temperature: 0.8, scratchBytes }).logp,
      reference: ({ hidden }) => {
        const logits = Float64Array.from({ length: ROWS * VOCAB }, (_, i) => {
          let sum = 0;
          for (let k = 0; k < WIDTH; k++)
            sum += hidden![Math.floor(i / VOCAB) * WIDTH + k]! * weights[(i % VOCAB) * WIDTH + k]!;
          return sum;
        });
        return crossEntropyReference(logits, LABELS, 0.8).logp;
      },
      tolerance: 2e-5,
    });
    gpu.destroyBuffer(buffer);
  });

  it('refuses labels that do not match', () => {
    const trace = new Trace(gpu.traits);
    const weight = denseWeight(trace.input('w', [9, 4]));
    const [hidden, labels] = [trace.input('h', [2, 4]), trace.input('l', [3], 'i32')];
    expect(() => tokenLogps(trace, hidden, weight, labels)).toThrow(/with 3 labels does not fit h/);
  });
});
