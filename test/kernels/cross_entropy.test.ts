// Label log-probabilities, entropy and the logit gradient against goldens, f64 and finite differences.
import { describe, expect, it } from 'vitest';
import { crossEntropy, crossEntropyBackward } from '../../src/kernels/cross_entropy';
import { testGpu } from '../harness/gpu';
import { crossEntropyBackwardReference, crossEntropyReference } from '../reference/cross_entropy';
import { dirty, expectClose, finiteDifferences, Goldens, normals, runTwice } from './support';

async function bothTraits() {
  const { traits } = await testGpu();
  return [traits, { ...traits, software: !traits.software }];
}

describe('crossEntropy', () => {
  it('matches the goldens, and their mean over labelled rows', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    for (const name of goldens.cases('cross_entropy', 'loss')) {
      const [rows, cols] = goldens.shape(`${name}.logits`) as [number, number];
      const [logits, labels] = [goldens.f32(`${name}.logits`), goldens.i32(`${name}.labels`)];
      const operands = [logits, labels, dirty(rows), dirty(rows), dirty(rows)];
      const [, , logp, lse, entropy] = await runTwice(
        gpu,
        crossEntropy({ rows, cols }, gpu.traits),
        operands,
      );
      goldens.expectMatch(`${name}.logp`, logp!);
      goldens.expectMatch(`${name}.entropy`, entropy!);
      const labelled = labels.filter((label) => label >= 0).length;
      goldens.expectMatch(`${name}.loss`, [-[...logp!].reduce((a, b) => a + b, 0) / labelled]);
      const weight = new Float32Array(rows).fill(1 / labelled);
      const call = crossEntropyBackward({ rows, cols }, gpu.traits);
      const results = await runTwice(gpu, call, [logits, labels, lse!, weight, dirty(logits.length)]);
      goldens.expectMatch(`${name}.d_logits`, results[4]!);
      const inPlace = crossEntropyBackward({ rows, cols, inPlace: true }, gpu.traits);
      goldens.expectMatch(
        `${name}.d_logits`,
        (await runTwice(gpu, inPlace, [logits, labels, lse!, weight]))[0]!,
      );
    }
  });

  it.each([
    [1, 1, 1],
    [5, 67, 0.7],
    [3, 769, 2],
  ])('matches the reference at %i x %i, temperature %d', async (rows, cols, temperature) => {
    const gpu = await testGpu();
    const logits = normals(rows * cols, 1, 4);
    // A common offset, and one outlier: neither may cost accuracy in logp.
    for (let i = 0; i < cols; i++) logits[i]! += 300;
    logits[logits.length - 1] = 1e4;
    const labels = Int32Array.from({ length: rows }, (_, r) => (r === 1 ? -100 : (r * 31) % cols));
    const weight = normals(rows, 2);
    const truth = crossEntropyReference(logits, labels, temperature);
    const gradient = crossEntropyBackwardReference(logits, labels, weight, temperature);
    for (const traits of await bothTraits()) {
      const options = { rows, cols, temperature };
      const operands = [logits, labels, dirty(rows), dirty(rows), dirty(rows)];
      const [, , logp, lse, entropy] = await runTwice(gpu, crossEntropy(options, traits), operands);
      // Logits near 300 / 0.7 carry 3e-5 of rounding themselves; the outlier row is relative to 1e4 / 0.7.
      expectClose(logp!, truth.logp, { abs: 1e-4, rel: 1e-6 }, 'logp');
      expectClose(lse!, truth.lse, { abs: 1e-4, rel: 1e-6 }, 'lse');
      expectClose(entropy!, truth.entropy, { abs: 1e-4 }, 'entropy');
      const call = crossEntropyBackward(options, traits);
      const results = await runTwice(gpu, call, [logits, labels, lse!, weight, dirty(logits.length)]);
      // exp(z - lse) where both are near 430: absolute 6e-5 in the exponent.
      expectClose(results[4]!, gradient, { abs: 2e-4 }, 'd_logits');
    }
  });

  it('has a reference whose gradient agrees with finite differences', () => {
    const logits = normals(24, 3);
    const [labels, weight] = [Int32Array.of(2, -100, 7), [0.5, 2, -1]];
    const loss = (x: Float64Array) =>
      crossEntropyReference(x, labels, 0.7).logp.reduce((sum, value, r) => sum - weight[r]! * value, 0);
    const truth = finiteDifferences(loss, logits);
    expectClose(crossEntropyBackwardReference(logits, labels, weight, 0.7), truth, { abs: 1e-8 });
  });

  it('refuses a temperature of zero', async () => {
    const { traits } = await testGpu();
    expect(() => crossEntropy({ rows: 1, cols: 2, temperature: 0 }, traits)).toThrow(/temperature is 0/);
  });
});
