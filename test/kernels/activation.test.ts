// Activations against f64 truth on a dense grid, at the extremes, and against the goldens.
import { describe, expect, it } from 'vitest';
import { type ActivationKind, activation, activationBackward } from '../../src/kernels/activation';
import { testGpu } from '../harness/gpu';
import { ACTIVATIONS, erf } from '../reference/activation';
import { dirty, expectClose, finiteDifferences, Goldens, normals, runTwice } from './support';

const KINDS = Object.keys(ACTIVATIONS) as ActivationKind[];

async function evaluate(kind: ActivationKind, x: Float32Array, derivative: boolean): Promise<Float32Array> {
  const gpu = await testGpu();
  const call = activation({ count: x.length, kind, derivative }, gpu.traits);
  return (await runTwice(gpu, call, [x, dirty(x.length)]))[1] as Float32Array;
}

describe.each(KINDS)('activation %s', (kind) => {
  const { f, df } = ACTIVATIONS[kind]!;

  it('matches the goldens', async () => {
    const goldens = await Goldens.load('ops');
    const x = goldens.f32('activation.x');
    goldens.expectMatch(`activation.${kind}`, await evaluate(kind, x, false));
    goldens.expectMatch(`activation.${kind}.d`, await evaluate(kind, x, true));
  });

  it('matches f64 on a dense grid', async () => {
    const x = Float32Array.from({ length: 5003 }, (_, i) => (i - 2501) / 250);
    // An f32 rounding of values up to 10 is 5e-7; erf itself promises 2e-7.
    expectClose(await evaluate(kind, x, false), x.map(f), kind === 'erf' ? { abs: 2e-7 } : { abs: 1e-6 });
    expectClose(await evaluate(kind, x, true), x.map(df), { abs: 2e-6 });
  });

  it('stays finite and right for huge arguments', async () => {
    const x = Float32Array.of(-1e30, -1e4, -100, -88.8, -0, 0, 88.8, 100, 1e4, 1e30);
    const limit = Float64Array.from(x, (value) =>
      Math.abs(value) > 80 ? f(Math.sign(value) * 80) : f(value),
    );
    // Gated linear units return x itself far right, the others a constant.
    const linear = f(80) > 2;
    const truth = linear ? limit.map((value, i) => (x[i]! > 80 ? x[i]! : value)) : limit;
    const y = await evaluate(kind, x, false);
    y.forEach((value, i) => {
      expect(Math.abs(value - truth[i]!), `f(${x[i]})`).toBeLessThanOrEqual(
        1e-6 * Math.max(1, Math.abs(truth[i]!)),
      );
    });
    const slopes = await evaluate(kind, x, true);
    expectClose(
      slopes,
      x.map((value) => df(Math.max(-80, Math.min(80, value)))),
      { abs: 1e-6 },
    );
  });

  it('has a derivative that agrees with finite differences', () => {
    const x = normals(50, 1, 2);
    const truth = finiteDifferences((p) => p.reduce((sum, value) => sum + f(value), 0), x, 1e-5);
    expectClose(x.map(df), truth, { abs: 1e-6 });
  });

  it('multiplies the derivative into dy', async () => {
    const gpu = await testGpu();
    const [x, dy] = [normals(67, 2, 3), normals(67, 3)];
    const call = activationBackward({ count: 67, kind }, gpu.traits);
    const [, , dx] = await runTwice(gpu, call, [x, dy, dirty(67)]);
    expectClose(
      dx!,
      x.map((value, i) => df(value) * dy[i]!),
      { abs: 4e-6 },
    );
  });
});

describe('reference erf', () => {
  it('knows published values', () => {
    // Abramowitz and Stegun, table 7.1.
    expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
    expect(erf(1)).toBeCloseTo(0.8427007929, 10);
    expect(erf(2)).toBeCloseTo(0.995322265, 9);
    expect(1 - erf(3)).toBeCloseTo(2.209049699858544e-5, 14);
    expect(erf(-1)).toBe(-erf(1));
  });
});
