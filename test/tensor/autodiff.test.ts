// Gradients of decoder blocks: against finite differences of the f64 reference, checkpointed against plain,
// replayed against the first run; planned memory against the sum of tensors.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { bf16ToF32, f32ToBf16 } from '../../src/lib/float_bits';
import { backward, byRows, checkpoint } from '../../src/tensor/autodiff';
import { activate, add } from '../../src/tensor/ops/activation';
import { attention } from '../../src/tensor/ops/attention';
import { linear } from '../../src/tensor/ops/linear';
import { rmsNorm } from '../../src/tensor/ops/rms_norm';
import { splitRotary } from '../../src/tensor/ops/split_rotary';
import { swiglu } from '../../src/tensor/ops/swiglu';
import { Program, runOnce } from '../../src/tensor/program';
import { reshape, type Tensor, Trace } from '../../src/tensor/trace';
import { denseWeight } from '../../src/tensor/weight';
import { testGpu } from '../harness/gpu';
import { type BlockShape, type BlockWeights, referenceBlock } from '../reference/decoder_block';

const NAMES = ['norm1', 'qkv', 'o', 'norm2', 'gateUp', 'down'] as const;

// Two segments of different length behind a shared prefix, GQA group 2, odd inner width.
const SHAPE: BlockShape = { tokens: 13, hidden: 24, heads: 4, kvHeads: 2, headSize: 8, inner: 19, eps: 1e-6 };
const PREFIX = 4;
const SPLIT = 9;

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

function noise(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2;
  });
}

function visibility() {
  const ranges = new Uint32Array(4 * SHAPE.tokens);
  for (let row = 0; row < SHAPE.tokens; row++) {
    const own = row < PREFIX ? 0 : row < SPLIT ? PREFIX : SPLIT;
    ranges.set([0, row < PREFIX ? 0 : PREFIX, own, row + 1], 4 * row);
  }
  return { ranges };
}

function weightShapes(): Record<(typeof NAMES)[number], number[]> {
  const { hidden, heads, kvHeads, headSize, inner } = SHAPE;
  return {
    norm1: [hidden],
    qkv: [(heads + 2 * kvHeads) * headSize, hidden],
    o: [hidden, heads * headSize],
    norm2: [hidden],
    gateUp: [2 * inner, hidden],
    down: [hidden, inner],
  };
}

function hostWeights(block: number): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(weightShapes()).map(([name, shape], index) => {
      const values = noise(
        shape.reduce((a, b) => a * b, 1),
        100 * block + index,
      );
      return [
        name,
        shape.length === 1 ? values.map((v) => 1 + 0.3 * v) : values.map((v) => v * 1.5 * shape[1]! ** -0.5),
      ];
    }),
  );
}

interface Built {
  readonly trace: Trace;
  readonly inputs: Record<string, Float32Array | Uint32Array>;
}

/** Two blocks, loss = sum(y ∘ dy); outputs y and the gradient of x and of every weight. */
function build(checkpointed: boolean): Built {
  const trace = new Trace(gpu.traits);
  const { tokens, hidden, headSize } = SHAPE;
  const x = trace.input('x', [tokens, hidden], 'f32', true);
  const dy = trace.input('dy', [tokens, hidden]);
  const rotary = {
    cos: trace.input('cos', [tokens, headSize / 2]),
    sin: trace.input('sin', [tokens, headSize / 2]),
    rows: trace.input('rows', [tokens], 'u32'),
  };
  const ranges = { ranges: trace.input('ranges', [tokens, 4], 'u32') };
  const inputs: Built['inputs'] = {
    x: noise(tokens * hidden, 7),
    dy: noise(tokens * hidden, 8),
    ...angles(),
    rows: Uint32Array.from({ length: tokens }, (_, i) => i),
    ...visibility(),
  };
  const wrt: [string, Tensor][] = [['x', x]];
  let stream = x;
  for (let block = 0; block < 2; block++) {
    const weights = Object.fromEntries(
      Object.entries(weightShapes()).map(([name, shape]) => {
        const tensor = trace.input(`${name}.${block}`, shape, 'f32', true);
        wrt.push([`${name}.${block}`, tensor]);
        return [name, tensor];
      }),
    ) as Record<(typeof NAMES)[number], Tensor>;
    for (const [name, values] of Object.entries(hostWeights(block))) inputs[`${name}.${block}`] = values;
    const part = ([input]: readonly Tensor[]): Tensor[] => [
      traceBlock(trace, input!, weights, rotary, ranges),
    ];
    stream = checkpointed ? checkpoint(trace, [stream], part)[0]! : part([stream])[0]!;
  }
  trace.output('y', stream);
  const gradients = backward(
    trace,
    [[stream, dy]],
    wrt.map(([, tensor]) => tensor),
  );
  wrt.forEach(([name], index) => {
    trace.output(`d ${name}`, gradients[index]!);
  });
  return { trace, inputs };
}

function traceBlock(
  trace: Trace,
  x: Tensor,
  w: Record<(typeof NAMES)[number], Tensor>,
  rotary: { cos: Tensor; sin: Tensor; rows: Tensor },
  ranges: { ranges: Tensor },
): Tensor {
  const qkv = linear(trace, rmsNorm(trace, x, w.norm1, SHAPE.eps), denseWeight(w.qkv));
  const heads = splitRotary(trace, qkv, SHAPE, rotary);
  const { out } = attention(trace, heads, ranges);
  const middle = linear(trace, reshape(out, [SHAPE.tokens, SHAPE.heads * SHAPE.headSize]), denseWeight(w.o), {
    residual: x,
  });
  const gated = swiglu(
    trace,
    linear(trace, rmsNorm(trace, middle, w.norm2, SHAPE.eps), denseWeight(w.gateUp)),
  );
  return linear(trace, gated, denseWeight(w.down), { residual: middle });
}

function angles() {
  const half = SHAPE.headSize / 2;
  const angle = noise(SHAPE.tokens * half, 9).map((v) => 3 * v);
  return { cos: angle.map(Math.cos), sin: angle.map(Math.sin) };
}

function referenceLoss(inputs: Record<string, Float32Array | Float64Array | Uint32Array>): number {
  let stream = Float64Array.from(inputs.x!);
  for (let block = 0; block < 2; block++) {
    const weights = Object.fromEntries(
      NAMES.map((name) => [name, Float64Array.from(inputs[`${name}.${block}`]!)]),
    ) as unknown as BlockWeights;
    stream = referenceBlock(
      SHAPE,
      stream,
      weights,
      { cos: inputs.cos!, sin: inputs.sin! },
      inputs.ranges!,
    ) as Float64Array<ArrayBuffer>;
  }
  return stream.reduce((sum, value, i) => sum + value * inputs.dy![i]!, 0);
}

async function run({ trace, inputs }: Built, program?: Program) {
  const built = program ?? (await Program.build(gpu, trace, 'blocks'));
  for (const [name, data] of Object.entries(inputs)) built.write(name, data);
  await built.run();
  const results: Record<string, Float32Array> = {};
  for (const name of trace.outputs.keys()) results[name] = (await built.read(name)) as Float32Array;
  return { program: built, results };
}

describe('autodiff', () => {
  it('gives the directional derivatives of the f64 reference', async () => {
    const built = build(false);
    const { program, results } = await run(built);
    const step = 1e-5;
    for (const name of ['x', ...[0, 1].flatMap((block) => NAMES.map((weight) => `${weight}.${block}`))]) {
      const values = built.inputs[name] as Float32Array;
      const direction = noise(values.length, 55);
      const shifted = (sign: number) => ({
        ...built.inputs,
        [name]: Float64Array.from(values, (v, i) => v + sign * step * direction[i]!),
      });
      const numeric = (referenceLoss(shifted(1)) - referenceLoss(shifted(-1))) / (2 * step);
      const gradient = results[`d ${name}`]!;
      const analytic = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      const scale = Math.hypot(...gradient) * Math.hypot(...direction);
      // f32 sums of some 10³ terms: 1e-5 of the product of norms; the f64 difference itself is good to 1e-9.
      expect(Math.abs(numeric - analytic) / scale, name).toBeLessThan(2e-5);
    }
    program.destroy();
  });

  it('is the same with checkpoints, in no more memory', async () => {
    const plain = await run(build(false));
    const saved = await run(build(true));
    for (const [name, values] of Object.entries(plain.results)) {
      // Recomputation repeats the same dispatches on the same data: bit for bit.
      expect([...saved.results[name]!], name).toEqual([...values]);
    }
    expect(saved.program.stats.nodes).toBeGreaterThan(plain.program.stats.nodes);
    // Gradients of all weights are outputs here and take most of it; train_program.gpu.test.ts shows what is saved.
    expect(saved.program.stats.plannedBytes).toBeLessThanOrEqual(plain.program.stats.plannedBytes);
    expect(plain.program.stats.plannedBytes).toBeLessThan(0.75 * plain.program.stats.unplannedBytes);
    plain.program.destroy();
    saved.program.destroy();
  });

  it('replays forward and backward bit for bit without creating anything', async () => {
    const built = build(true);
    const { program, results } = await run(built);
    program.write('x', noise(SHAPE.tokens * SHAPE.hidden, 99));
    await program.run();
    const before = creations(gpu.counters);
    for (const [name, data] of Object.entries(built.inputs)) program.write(name, data);
    await program.run();
    expect(creations(gpu.counters)).toBe(before);
    for (const name of built.trace.outputs.keys())
      expect([...(await program.read(name))], name).toEqual([...results[name]!]);
    program.destroy();
  });

  it('sums gradients in place only where nobody else reads them', async () => {
    const trace = new Trace(gpu.traits);
    const [a, b] = [trace.input('a', [4], 'f32', true), trace.input('b', [4], 'f32', true)];
    // w = 2 (a + b) + a, where the gradient of w is also that of both of its terms.
    const u = add(trace, a, b);
    const w = add(trace, u, add(trace, u, a));
    const dy = trace.input('dy', [4]);
    const [da, db] = backward(trace, [[w, dy]], [a, b]);
    trace.output('da', da!);
    trace.output('db', db!);
    const dys = Float32Array.of(1, -2, 0.5, 3);
    const zero = new Float32Array(4);
    const found = await runOnce(gpu, trace, { a: zero, b: zero, dy: dys });
    expect([...found.da!]).toEqual([...dys].map((v) => 3 * v));
    expect([...found.db!]).toEqual([...dys].map((v) => 2 * v));
  });

  it('has the gradients of the whole where a part runs by slices of rows', async () => {
    const [rows, width, out] = [150, 12, 20];
    const gradients = async (size: number) => {
      const trace = new Trace(gpu.traits);
      const x = trace.input('x', [rows, width], 'f32', true);
      const w = trace.input('w', [out, width], 'f32', true);
      const y = byRows(trace, x, out, size, (part, into) => linear(trace, part, denseWeight(w), { into }));
      const both = backward(trace, [[y, trace.input('dy', [rows, out])]], [x, w]);
      for (const [at, name] of ['dx', 'dw'].entries()) trace.output(name, both[at]!);
      trace.output('y', y);
      return runOnce(gpu, trace, {
        x: noise(rows * width, 1),
        w: noise(out * width, 2),
        dy: noise(rows * out, 3),
      });
    };
    const [whole, sliced] = [await gradients(192), await gradients(64)];
    for (const name of ['y', 'dx', 'dw']) {
      // Sums of at most 150 products near 1, in another order where a slice runs another kernel.
      const other = [...sliced[name]!];
      const worst = [...whole[name]!].reduce((most, v, i) => Math.max(most, Math.abs(v - other[i]!)), 0);
      expect(worst, name).toBeLessThan(2e-5);
    }
  });

  it('reverses a checkpoint in bf16 as if its input had been rounded', async () => {
    const gradients = async (x: Float32Array, keep: 'f32' | 'bf16') => {
      const trace = new Trace(gpu.traits);
      const input = trace.input('x', [5, 8], 'f32', true);
      const part = ([kept]: readonly Tensor[]) => [activate(trace, kept!, 'silu')];
      const [y] = checkpoint(trace, [input], part, keep);
      const [dx] = backward(trace, [[y!, trace.input('dy', [5, 8])]], [input]);
      trace.output('dx', dx!);
      trace.output('y', y!);
      return runOnce(gpu, trace, { x, dy: noise(40, 4) });
    };
    const x = noise(40, 5);
    const rounded = bf16ToF32(f32ToBf16(x));
    const [exact, kept, given] = [
      await gradients(x, 'f32'),
      await gradients(x, 'bf16'),
      await gradients(rounded, 'f32'),
    ];
    expect([...kept.y!]).toEqual([...exact.y!]);
    expect([...kept.dx!]).toEqual([...given.dx!]);
    expect([...kept.dx!]).not.toEqual([...exact.dx!]);
  });

  it('says which tensor no gradient reaches', () => {
    const trace = new Trace(gpu.traits);
    const x = trace.input('x', [2, 4], 'f32', true);
    const other = trace.input('other', [4], 'f32', true);
    const w = trace.input('w', [3, 4]);
    const y = linear(trace, x, denseWeight(w));
    const dy = trace.input('dy', [2, 3]);
    expect(() => backward(trace, [[y, dy]], [other])).toThrow(/No gradient reaches other/);
  });
});
