// AdamW against the goldens over three steps and f64 over many; the skip flag; the clip factor inside the step.
import { describe, expect, it } from 'vitest';
import { adamw, packAdamw } from '../../src/kernels/adamw';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { adamwReference } from '../reference/adamw';
import { expectClose, Goldens, normals, runTwice } from './support';

const UNCLIPPED = Float32Array.of(1, 0, 0, 0);

describe('adamw', () => {
  it('matches the goldens step by step', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    for (const name of goldens.cases('adamw', 'steps')) {
      const [steps, count] = goldens.shape(`${name}.steps`) as [number, number];
      const [lr, beta1, beta2, eps, weightDecay] = [...goldens.f32(`${name}.hparams`)] as [
        number,
        number,
        number,
        number,
        number,
      ];
      const gradients = goldens.f32(`${name}.grads`);
      const trajectory = new Float32Array(steps * count);
      let [p, m, v] = [goldens.f32(`${name}.w`), new Float32Array(count), new Float32Array(count)];
      for (let step = 1; step <= steps; step++) {
        const gradient = gradients.slice((step - 1) * count, step * count);
        const hparams = packAdamw({ lr, beta1, beta2, eps, weightDecay, step });
        const results = await runTwice(gpu, adamw({ count }, gpu.traits), [
          gradient,
          hparams,
          UNCLIPPED,
          p,
          m,
          v,
        ]);
        [p, m, v] = results.slice(3) as [Float32Array, Float32Array, Float32Array] as [
          typeof p,
          typeof m,
          typeof v,
        ];
        trajectory.set(p, (step - 1) * count);
      }
      goldens.expectMatch(`${name}.steps`, trajectory);
      goldens.expectMatch(`${name}.m`, m);
      goldens.expectMatch(`${name}.v`, v);
    }
  });

  it('follows f64 for 40 steps, from tiny and huge gradients', async () => {
    const gpu = await testGpu();
    const count = 331;
    const settings = { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };
    let [p, m, v] = [normals(count, 1), new Float32Array(count), new Float32Array(count)];
    const truth = [Float64Array.from(p), new Float64Array(count), new Float64Array(count)] as const;
    for (let step = 1; step <= 40; step++) {
      const gradient = normals(count, step + 10).map((value, i) => value * 10 ** ((i % 13) - 8));
      const hparams = packAdamw({ ...settings, step });
      const half = Float32Array.of(0.5, 0, 0, 0);
      const results = await runCall(gpu, adamw({ count }, gpu.traits), [gradient, hparams, half, p, m, v]);
      [p, m, v] = results.slice(3) as [typeof p, typeof m, typeof v];
      adamwReference(
        ...truth,
        gradient.map((value) => value / 2),
        { ...settings, step },
      );
    }
    // 40 steps of at most about lr each, with a few 1e-7 relative per step.
    expectClose(p, truth[0], { abs: 2e-6 });
  });

  it('changes nothing when told to skip', async () => {
    const gpu = await testGpu();
    const [p, m, v] = [normals(9, 1), normals(9, 2), normals(9, 3).map(Math.abs)];
    const hparams = packAdamw({ lr: 1, beta1: 0.9, beta2: 0.9, eps: 1e-8, weightDecay: 0.1, step: 3 });
    const broken = new Float32Array(9).fill(Number.NaN);
    const skip = Float32Array.of(0, 1, 1, 0);
    const results = await runTwice(gpu, adamw({ count: 9 }, gpu.traits), [broken, hparams, skip, p, m, v]);
    expect(results.slice(3)).toEqual([p, m, v]);
  });

  it('refuses a step of zero', () => {
    expect(() => packAdamw({ lr: 1, beta1: 0.9, beta2: 0.9, eps: 1e-8, weightDecay: 0, step: 0 })).toThrow(
      /count from 1/,
    );
  });
});
