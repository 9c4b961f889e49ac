// Computes the operators of an `ops` fixture folder and the rows of a `sampling` folder by the engine's kernels. A
// case is all tensors that share a name up to the last dot; its first word says which operator it belongs to. Shapes,
// seeds and case names are read from the manifest.

import type { GpuContext } from '../../src/gpu/device';
import { type ActivationKind, activation } from '../../src/kernels/activation';
import { unsharedCache } from '../../src/kernels/cache_shape';
import { columnSum } from '../../src/kernels/column_sum';
import { decodeAttention } from '../../src/kernels/decode_attention';
import { layerNorm, layerNormBackward, layerNormWeightGradient } from '../../src/kernels/layer_norm';
import { KEY_CLASS } from '../../src/kernels/sequence_words';
import { backward } from '../../src/tensor/autodiff';
import { attention } from '../../src/tensor/ops/attention';
import { linear } from '../../src/tensor/ops/linear';
import { addLora } from '../../src/tensor/ops/lora';
import { rmsNorm } from '../../src/tensor/ops/rms_norm';
import { swiglu } from '../../src/tensor/ops/swiglu';
import { denseWeight } from '../../src/tensor/weight';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir } from './fixture_dir';
import { type Case, cases, emit, need, type Operator, type Results, run } from './ops_case';
import { runRope } from './ops_rope';
import { runSampling, runSoftmax } from './ops_sampling';
import { runAdamw, runClip, runCrossEntropy } from './ops_training';

const OPERATORS: Readonly<Record<string, Operator>> = {
  activation: runActivation,
  rmsnorm: runRmsNorm,
  layernorm: runLayerNorm,
  swiglu: runSwiglu,
  linear: runLinear,
  lora: runLora,
  attention: runAttention,
  rope: runRope,
  softmax: runSoftmax,
  cross_entropy: runCrossEntropy,
  adamw: runAdamw,
  clip: runClip,
};

/** Rows of the operators that the engine has; others are left for the caller to list as skipped. */
export async function* opsRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  const specs = dir.tensors.filter(({ stage }) => stage === 'ops');
  for (const test of cases(dir, specs)) {
    const operator = OPERATORS[test.name.split('.')[0] ?? ''];
    const asked = [...test.parts.values()].filter(({ tol, name }) => tol !== 'input' && wanted('ops', name));
    if (!operator || asked.length === 0) continue;
    const results = await operator(gpu, test);
    for (const { name, file, shape } of asked) {
      const actual = results[name.slice(test.name.length + 1)];
      if (actual) yield { stage: 'ops', file, tensor: name, actual, shape };
    }
  }
}

/** Rows of a `sampling` folder. */
export async function* samplingRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  const specs = dir.tensors.filter(({ stage }) => stage === 'sampling');
  for (const test of cases(dir, specs)) {
    const asked = [...test.parts.values()].filter(
      ({ tol, name }) => tol !== 'input' && wanted('sampling', name),
    );
    if (asked.length === 0) continue;
    const results = await runSampling(gpu, test);
    for (const { name, file, shape } of asked) {
      const actual = results[name.slice(test.name.length + 1)];
      if (actual) yield { stage: 'sampling', file, tensor: name, actual, shape };
    }
  }
}

async function runActivation(gpu: GpuContext, test: Case): Promise<Results> {
  const x = await test.read('x');
  const results: Results = {};
  for (const part of test.parts.keys()) {
    if (part === 'x') continue;
    const derivative = part.endsWith('.d');
    const kind = part.replace(/\.d$/, '') as ActivationKind;
    const call = activation({ count: x.length, kind, derivative }, gpu.traits);
    results[part] = (
      await run(gpu, { x: { data: x, shape: [x.length] } }, (trace, t) => ({
        y: emit(trace, call, [need(t, 'x')], 'y', [x.length]),
      }))
    ).y;
  }
  return results;
}

async function runRmsNorm(gpu: GpuContext, test: Case): Promise<Results> {
  const eps = (await test.read('eps'))[0] ?? 0;
  const inputs = {
    x: { data: await test.read('x'), shape: test.shape('x'), grad: true },
    w: { data: await test.read('w'), shape: test.shape('w'), grad: true },
    dy: { data: await test.read('dy'), shape: test.shape('dy') },
  };
  return run(gpu, inputs, (trace, t) => {
    const y = rmsNorm(trace, need(t, 'x'), need(t, 'w'), eps);
    const [dx, dw] = backward(trace, [[y, need(t, 'dy')]], [need(t, 'x'), need(t, 'w')]);
    return dx && dw ? { y, dx, dw } : { y };
  });
}

async function runLayerNorm(gpu: GpuContext, test: Case): Promise<Results> {
  const eps = (await test.read('eps'))[0] ?? 0;
  const [rows = 1, cols = 1] = test.shape('x');
  const inputs = Object.fromEntries(
    await Promise.all(
      ['x', 'w', 'b', 'dy'].map(
        async (part) => [part, { data: await test.read(part), shape: test.shape(part) }] as const,
      ),
    ),
  );
  return run(gpu, inputs, (trace, t) => {
    const [x, w, b, dy] = [need(t, 'x'), need(t, 'w'), need(t, 'b'), need(t, 'dy')];
    const y = trace.activation('y', [rows, cols]);
    const stats = trace.activation('stats', [rows, 2]);
    trace.emit(layerNorm({ rows, cols, eps, saveStats: true }, trace.traits), [x, w, b, y, stats]);
    const dx = emit(trace, layerNormBackward({ rows, cols }, trace.traits), [x, w, stats, dy], 'dx', [
      rows,
      cols,
    ]);
    const dw = emit(trace, layerNormWeightGradient({ rows, cols }, trace.traits), [dy, x, stats], 'dw', [
      cols,
    ]);
    const db = emit(trace, columnSum({ rows, cols }, trace.traits), [dy], 'db', [cols]);
    return { y, dx, dw, db };
  });
}

async function runSwiglu(gpu: GpuContext, test: Case): Promise<Results> {
  const [rows = 1, cols = 1] = test.shape('g');
  const [g, u] = [await test.read('g'), await test.read('u')];
  const gateUp = new Float32Array(2 * rows * cols);
  for (let row = 0; row < rows; row++) {
    gateUp.set(g.subarray(row * cols, (row + 1) * cols), 2 * row * cols);
    gateUp.set(u.subarray(row * cols, (row + 1) * cols), (2 * row + 1) * cols);
  }
  const inputs = {
    gateUp: { data: gateUp, shape: [rows, 2 * cols], grad: true },
    dy: { data: await test.read('dy'), shape: [rows, cols] },
  };
  const { y, d } = await run(gpu, inputs, (trace, t) => {
    const out = swiglu(trace, need(t, 'gateUp'));
    const [dGateUp] = backward(trace, [[out, need(t, 'dy')]], [need(t, 'gateUp')]);
    return dGateUp ? { y: out, d: dGateUp } : { y: out };
  });
  const half = (offset: number): Float32Array =>
    Float32Array.from(
      { length: rows * cols },
      (_, i) => d?.[(2 * Math.floor(i / cols) + offset) * cols + (i % cols)] ?? Number.NaN,
    );
  return { y, dg: half(0), du: half(1) };
}

async function runLinear(gpu: GpuContext, test: Case): Promise<Results> {
  const inputs = {
    x: { data: await test.read('x'), shape: test.shape('x'), grad: true },
    w: { data: await test.read('w'), shape: test.shape('w'), grad: test.parts.has('dw') },
    b: { data: await test.read('b'), shape: test.shape('b') },
    dy: { data: await test.read('dy'), shape: test.shape('dy') },
  };
  return run(gpu, inputs, (trace, t) => {
    const [x, w] = [need(t, 'x'), need(t, 'w')];
    const y = linear(trace, x, denseWeight(w), { bias: need(t, 'b') });
    const [dx, dw] = backward(trace, [[y, need(t, 'dy')]], inputs.w.grad ? [x, w] : [x]);
    return { y, ...(dx ? { dx } : {}), ...(dw ? { dw } : {}) };
  });
}

async function runLora(gpu: GpuContext, test: Case): Promise<Results> {
  const load = async (part: string, grad = false) => ({
    data: await test.read(part),
    shape: test.shape(part),
    grad,
  });
  const scale = (await test.read('scale'))[0] ?? 1;
  const inputs = {
    x: await load('x', true),
    w: await load('w'),
    b: await load('b'),
    A: await load('A', true),
    B: await load('B', true),
    dy: await load('dy'),
    strength: { data: Float32Array.of(1), shape: [1] },
  };
  return run(gpu, inputs, (trace, t) => {
    const [x, a, b] = [need(t, 'x'), need(t, 'A'), need(t, 'B')];
    const plain = linear(trace, x, denseWeight(need(t, 'w')), { bias: need(t, 'b') });
    const y = addLora(trace, x, plain, { a, b, scale, strength: need(t, 'strength'), first: 0 });
    const [dx, dA, dB] = backward(trace, [[y, need(t, 'dy')]], [x, a, b]);
    return dx && dA && dB ? { y, dx, dA, dB } : { y };
  });
}

/** Per query row the visible keys: causal over all, or the segment it lies in. */
function visibility(tokens: number, keys: number, cu: Int32Array | undefined, causal: boolean): Uint32Array {
  const ranges = new Uint32Array(4 * tokens);
  for (let row = 0; row < tokens; row++) {
    let [begin, end] = [0, causal ? row + 1 + keys - tokens : keys];
    cu?.forEach((bound, segment) => {
      const next = cu[segment + 1];
      if (next !== undefined && bound <= row && row < next) [begin, end] = [bound, next];
    });
    ranges.set([0, 0, begin, end], 4 * row);
  }
  return ranges;
}

async function runAttention(gpu: GpuContext, test: Case): Promise<Results> {
  if (test.name.startsWith('attention.decode')) return runDecodeAttention(gpu, test);
  const [tokens = 1, heads = 1] = test.shape('q');
  const [keys = 1] = test.shape('k');
  const cu = test.parts.has('cu') ? await test.integers('cu') : undefined;
  const grad = test.parts.has('dy');
  const load = async (part: string) => ({ data: await test.read(part), shape: test.shape(part), grad });
  const inputs = {
    q: await load('q'),
    k: await load('k'),
    v: await load('v'),
    ranges: {
      data: visibility(tokens, keys, cu, test.name.startsWith('attention.causal')),
      shape: [tokens, 4],
      dtype: 'u32' as const,
    },
    keyClass: { data: everyKey(keys), shape: [keys], dtype: 'u32' as const },
    ...(grad ? { dy: { data: await test.read('dy'), shape: test.shape('dy') } } : {}),
  };
  const results = await run(gpu, inputs, (trace, t) => {
    const heads = { q: need(t, 'q'), k: need(t, 'k'), v: need(t, 'v') };
    const { out, lse, map } = attention(
      trace,
      heads,
      { ranges: need(t, 'ranges') },
      { keyClass: need(t, 'keyClass'), mapSize: keys },
    );
    const [dq, dk, dv] = grad ? backward(trace, [[out, need(t, 'dy')]], [heads.q, heads.k, heads.v]) : [];
    return { o: out, lse, ...(map ? { map } : {}), ...(dq && dk && dv ? { dq, dk, dv } : {}) };
  });
  return {
    ...results,
    lse: swapAxes(results.lse, tokens, heads, 1),
    p: swapAxes(results.map, tokens, heads, keys),
  };
}

/** Every key as an image token of its own, so that the captured map is the whole row of probabilities. */
function everyKey(keys: number): Uint32Array {
  return Uint32Array.from({ length: keys }, (_, key) => KEY_CLASS.image | (key << 8));
}

/** [a, b, size] → [b, a, size]. */
function swapAxes(
  values: Float32Array | undefined,
  a: number,
  b: number,
  size: number,
): Float32Array | undefined {
  if (!values) return undefined;
  const out = new Float32Array(values.length);
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      out.set(values.subarray((i * b + j) * size, (i * b + j + 1) * size), (j * a + i) * size);
  return out;
}

async function runDecodeAttention(gpu: GpuContext, test: Case): Promise<Results> {
  const [, heads = 1, headSize = 1] = test.shape('q');
  const [keys = 1, kvHeads = 1] = test.shape('k');
  const cache = async (part: string) => ({
    data: swapAxes(await test.read(part), keys, kvHeads, headSize) ?? new Float32Array(0),
    shape: [1, kvHeads, keys, headSize],
  });
  const inputs = {
    q: { data: await test.read('q'), shape: test.shape('q') },
    k: await cache('k'),
    v: await cache('v'),
    sequences: { data: Uint32Array.of(0, keys - 1, 0, 0, 0, 0, 0, 0), shape: [1, 8], dtype: 'u32' as const },
    keyClass: { data: everyKey(keys), shape: [1, keys], dtype: 'u32' as const },
  };
  const { o, map } = await run(gpu, inputs, (trace, t) => {
    const out = trace.activation('o', [heads, headSize]);
    const masses = trace.activation('masses', [heads, 5]);
    const map = trace.activation('map', [heads, keys]);
    const options = {
      batch: 1,
      heads,
      kvHeads,
      headSize,
      cache: unsharedCache(1, keys, 'f32'),
      scale: headSize ** -0.5,
      capture: { mapSize: keys },
    };
    for (const call of decodeAttention(options, trace.traits)) {
      trace.emit(call, [
        need(t, 'q'),
        need(t, 'k'),
        need(t, 'v'),
        need(t, 'sequences'),
        need(t, 'keyClass'),
        out,
        masses,
        map,
      ]);
    }
    return { o: out, map };
  });
  return { o, p: map };
}
