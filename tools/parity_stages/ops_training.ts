// Operators of an `ops` folder that training needs: cross-entropy, AdamW, clipping.

import type { GpuContext } from '../../src/gpu/device';
import { adamw, packAdamw } from '../../src/kernels/adamw';
import { clipChunks, clipFactor, squareSum } from '../../src/kernels/clip';
import { elementwise } from '../../src/kernels/elementwise';
import { tokenLogp, tokenLogpBackward } from '../../src/kernels/token_logp';
import type { Tensor } from '../../src/tensor/trace';
import { type Case, emit, need, type Results, run } from './ops_case';

/** Mean over the rows that count, and its gradient; ignored rows have neither. */
export async function runCrossEntropy(gpu: GpuContext, test: Case): Promise<Results> {
  const [rows = 1, cols = 1] = test.shape('logits');
  const labels = await test.integers('labels');
  const counted = labels.filter((label) => label >= 0).length;
  const inputs = {
    logits: { data: await test.read('logits'), shape: [rows, cols] },
    labels: { data: labels, shape: [rows], dtype: 'i32' as const },
    dlogp: { data: new Float32Array(rows).fill(-1 / counted), shape: [rows] },
  };
  const chunk = { rows, cols, first: 0 };
  const results = await run(gpu, inputs, (trace, t) => {
    const [logits, label] = [need(t, 'logits'), need(t, 'labels')];
    const [logp, lse, entropy] = ['logp', 'lse', 'entropy'].map((name) => trace.activation(name, [rows])) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const [state, argmax] = [trace.activation('state', [rows, 5]), trace.activation('argmax', [rows], 'u32')];
    const call = tokenLogp({ ...chunk, last: true }, trace.traits);
    trace.emit(call, [logits, label, state, logp, lse, entropy, argmax]);
    // The kernel overwrites its logits, so it gets a copy.
    const copy = elementwise({ kind: 'copy', count: rows * cols }, trace.traits);
    const dLogits = emit(trace, copy, [logits], 'd_logits', [rows, cols]);
    trace.emit(tokenLogpBackward(chunk, trace.traits), [label, lse, need(t, 'dlogp'), dLogits]);
    return { logp, entropy, d_logits: dLogits };
  });
  const loss = labels.reduce(
    (sum, label, row) => (label >= 0 ? sum - (results.logp?.[row] ?? Number.NaN) / counted : sum),
    0,
  );
  return { ...results, loss: Float32Array.of(loss) };
}

/** Adamw cases. */
export async function runAdamw(gpu: GpuContext, test: Case): Promise<Results> {
  const [steps = 1, count = 1] = test.shape('grads');
  const [grads, hparams] = [await test.read('grads'), await test.read('hparams')];
  const [lr = 0, beta1 = 0, beta2 = 0, eps = 0, weightDecay = 0] = Array.from(hparams, shortest);
  let state: Record<string, Float32Array> = {
    w: await test.read('w'),
    m: new Float32Array(count),
    v: new Float32Array(count),
  };
  const trajectory = new Float32Array(steps * count);
  for (let step = 1; step <= steps; step++) {
    const packed = packAdamw({ lr, beta1, beta2, eps, weightDecay, step });
    state = await adamwStep(gpu, state, grads.slice((step - 1) * count, step * count), packed);
    trajectory.set(state.w ?? [], (step - 1) * count);
  }
  return { steps: trajectory, ...(state.m && state.v ? { m: state.m, v: state.v } : {}) };
}

/** The shortest decimal that rounds to an f32: the hyperparameter that was meant. */
function shortest(value: number): number {
  for (let digits = 1; digits < 10; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return text;
  }
  return value;
}

/** Parameters and moments are overwritten in place, so they are copied into activations first. */
async function adamwStep(
  gpu: GpuContext,
  state: Record<string, Float32Array>,
  gradient: Float32Array,
  hparams: Float32Array,
) {
  const count = gradient.length;
  const input = (data: Float32Array) => ({ data, shape: [data.length] });
  const empty = new Float32Array(count);
  const inputs = {
    gradient: input(gradient),
    hparams: input(hparams),
    clip: input(Float32Array.of(1, 0, 0, 0)),
    w: input(state.w ?? empty),
    m: input(state.m ?? empty),
    v: input(state.v ?? empty),
  };
  return run(gpu, inputs, (trace, t) => {
    const copy = elementwise({ kind: 'copy', count }, trace.traits);
    const [w, m, v] = ['w', 'm', 'v'].map((name) =>
      emit(trace, copy, [need(t, name)], `${name} next`, [count]),
    ) as [Tensor, Tensor, Tensor];
    trace.emit(adamw({ count }, trace.traits), [
      need(t, 'gradient'),
      need(t, 'hparams'),
      need(t, 'clip'),
      w,
      m,
      v,
    ]);
    return { w, m, v };
  });
}

/** All gradients of the case in one arena, as the trainer keeps them. */
export async function runClip(gpu: GpuContext, test: Case): Promise<Results> {
  const names = [...test.parts.keys()].filter((part) => /^g\d+$/.test(part));
  const parts = await Promise.all(names.map((name) => test.read(name)));
  const count = parts.reduce((sum, { length }) => sum + length, 0);
  const arena = new Float32Array(count);
  let at = 0;
  for (const part of parts) {
    arena.set(part, at);
    at += part.length;
  }
  const { clip } = await run(gpu, { arena: { data: arena, shape: [count] } }, (trace, t) => {
    const partials = emit(trace, squareSum({ count }, trace.traits), [need(t, 'arena')], 'partials', [
      clipChunks(count),
      2,
    ]);
    return { clip: emit(trace, clipFactor({ count, maxNorm: 1 }, trace.traits), [partials], 'clip', [4]) };
  });
  const [factor = Number.NaN, norm = Number.NaN] = clip ?? [];
  const clipped = names.map(
    (name, index) => [`${name}.clipped`, (parts[index] ?? arena).map((g) => g * factor)] as const,
  );
  return { norm: Float32Array.of(norm), ...Object.fromEntries(clipped) };
}
