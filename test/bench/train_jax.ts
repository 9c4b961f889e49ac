// Trains the small GPT of train_gpt.ts by jax-js: forward, backward and AdamW in one jit-compiled function. The
// library is handed in and only described here as far as it is used; its arrays are counted by reference: a method
// consumes its operands, `.ref` keeps one.

import { GPT, GPT_ADAMW, type GptTrainer, gptBatch, gptRotary, gptWeights } from './train_gpt';

/** An array of jax-js, as far as the model needs it. */
interface JaxArray {
  readonly ref: JaxArray;
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  neg(): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  sum(axis?: number, options?: { keepdims: boolean }): JaxArray;
  mean(axis?: number, options?: { keepdims: boolean }): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}

type Tree = Record<string, JaxArray>;

/** The library's module, as far as the model needs it. */
export interface Jax {
  init(): Promise<string[]>;
  defaultDevice(device: string): unknown;
  blockUntilReady(arrays: unknown): Promise<unknown>;
  jit<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R;
  valueAndGrad(f: (...args: never[]) => JaxArray): (...args: unknown[]) => [JaxArray, Tree];
  readonly numpy: {
    readonly int32: unknown;
    array(data: Float32Array | Int32Array, options?: { dtype: unknown }): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    matrixTranspose(a: JaxArray): JaxArray;
    sqrt(a: JaxArray): JaxArray;
    square(a: JaxArray): JaxArray;
    reciprocal(a: JaxArray): JaxArray;
    split(a: JaxArray, parts: number, axis: number): JaxArray[];
    concatenate(parts: readonly JaxArray[], axis: number): JaxArray;
  };
  readonly nn: {
    silu(x: JaxArray): JaxArray;
    oneHot(x: JaxArray, classes: number): JaxArray;
    logSoftmax(x: JaxArray, axis: number): JaxArray;
    dotProductAttention(
      q: JaxArray,
      k: JaxArray,
      v: JaxArray,
      options: { scale: number; isCausal: boolean },
    ): JaxArray;
  };
}

function rmsNorm({ numpy: np }: Jax, x: JaxArray, weight: JaxArray): JaxArray {
  const power = np.square(x.ref).mean(-1, { keepdims: true }).add(GPT.eps);
  return x.mul(np.reciprocal(np.sqrt(power))).mul(weight);
}

/** Halves of every head turned by the positions' angles; x [T, NH, HS], tables [T, 1, HS/2]. */
function rotate({ numpy: np }: Jax, x: JaxArray, cos: JaxArray, sin: JaxArray): JaxArray {
  const [a, b] = np.split(x, 2, -1) as [JaxArray, JaxArray];
  const first = a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref));
  const second = b.mul(cos).add(a.mul(sin));
  return np.concatenate([first, second], -1);
}

function layer(jax: Jax, p: (name: string) => JaxArray, x: JaxArray, cos: JaxArray, sin: JaxArray): JaxArray {
  const { numpy: np, nn } = jax;
  const { tokens, width, heads, headSize } = GPT;
  const qkv = np.matmul(rmsNorm(jax, x.ref, p('norm1')), p('qkv'));
  const [q, k, v] = np.split(qkv, 3, -1).map((part) => part.reshape([tokens, heads, headSize])) as [
    JaxArray,
    JaxArray,
    JaxArray,
  ];
  const turned = rotate(jax, k, cos.ref, sin.ref);
  const options = { scale: headSize ** -0.5, isCausal: true };
  const out = nn.dotProductAttention(rotate(jax, q, cos, sin), turned, v, options);
  const attended = x.add(np.matmul(out.reshape([tokens, width]), p('o')));
  const gateUp = np.matmul(rmsNorm(jax, attended.ref, p('norm2')), p('gate_up'));
  const [gate, up] = np.split(gateUp, 2, -1) as [JaxArray, JaxArray];
  return attended.add(np.matmul(nn.silu(gate).mul(up), p('down')));
}

/** Mean cross-entropy of the batch. Rows of the table and labels are one-hot products: they differentiate fastest. */
function loss(
  jax: Jax,
  weights: Tree,
  ids: JaxArray,
  labels: JaxArray,
  cos: JaxArray,
  sin: JaxArray,
): JaxArray {
  const { numpy: np, nn } = jax;
  const weight = (name: string): JaxArray => weights[name] as JaxArray;
  const table = weight('embedding');
  let x = np.matmul(nn.oneHot(ids, GPT.vocab), table.ref);
  for (let index = 0; index < GPT.layers; index++)
    x = layer(jax, (name) => weight(`${index}.${name}`), x, cos.ref, sin.ref);
  cos.dispose();
  sin.dispose();
  const logits = np.matmul(rmsNorm(jax, x, weight('norm')), np.matrixTranspose(table));
  const logp = nn.logSoftmax(logits, -1).mul(nn.oneHot(labels, GPT.vocab));
  return logp.sum().mul(-1 / GPT.tokens);
}

/** One AdamW step of a weight; rates = [1 − lr·decay, lr / (1 − β1ᵗ), 1 / √(1 − β2ᵗ)]. */
function adamw({ numpy: np }: Jax, p: JaxArray, g: JaxArray, m: JaxArray, v: JaxArray, rates: JaxArray[]) {
  const { beta1, beta2, eps } = GPT_ADAMW;
  const [keep, rate, correction] = rates as [JaxArray, JaxArray, JaxArray];
  const first = m.mul(beta1).add(g.ref.mul(1 - beta1));
  const second = v.mul(beta2).add(np.square(g).mul(1 - beta2));
  const update = first.ref.mul(rate).div(np.sqrt(second.ref).mul(correction).add(eps));
  return { p: p.mul(keep).sub(update), m: first, v: second };
}

interface TrainState {
  readonly weights: Tree;
  readonly m: Tree;
  readonly v: Tree;
}

function compileStep(jax: Jax) {
  return jax.jit(
    (weights: Tree, m: Tree, v: Tree, batch: JaxArray[], tables: JaxArray[], rates: JaxArray[]) => {
      const kept = Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, array.ref]));
      const [value, gradients] = jax.valueAndGrad(
        (w: Tree, i: JaxArray, l: JaxArray, c: JaxArray, s: JaxArray) => loss(jax, w, i, l, c, s),
      )(kept, ...batch, ...tables);
      const next: TrainState = { weights: {}, m: {}, v: {} };
      for (const name of Object.keys(weights)) {
        const given = [weights, gradients, m, v].map((tree) => tree[name] as JaxArray);
        const [p, g, first, second] = given as [JaxArray, JaxArray, JaxArray, JaxArray];
        const shared = rates.map((rate) => rate.ref);
        const after = adamw(jax, p, g, first, second, shared);
        next.weights[name] = after.p;
        next.m[name] = after.m;
        next.v[name] = after.v;
      }
      for (const rate of rates) rate.dispose();
      return [value, next.weights, next.m, next.v] as const;
    },
  );
}

/** [out, in] to the [in, out] that this library's products want; the embedding stays as it is. */
function transposed(data: Float32Array, out: number, width: number): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % out) * width + Math.floor(i / out)]!);
}

/** Their trainer on their own device. @throws Error when the library finds no WebGPU */
export async function openJaxGpt(jax: Jax): Promise<GptTrainer> {
  const { numpy: np } = jax;
  const devices = await jax.init();
  if (!devices.includes('webgpu')) throw new Error(`jax-js offers ${devices.join(', ')}, not webgpu.`);
  jax.defaultDevice('webgpu');
  let state: TrainState = { weights: {}, m: {}, v: {} };
  for (const { name, shape, data } of gptWeights()) {
    const [out = 1, width = 1] = shape;
    const plain = name === 'embedding' || shape.length === 1;
    const size = plain ? shape : [width, out];
    state.weights[name] = np.array(plain ? data : transposed(data, out, width)).reshape(size);
    state.m[name] = np.zeros(size);
    state.v[name] = np.zeros(size);
  }
  const rotary = gptRotary();
  const half = GPT.headSize / 2;
  const tables = [rotary.cos, rotary.sin].map((table) => np.array(table).reshape([GPT.tokens, 1, half]));
  const run = compileStep(jax);
  const { ids, labels } = gptBatch();
  let steps = 0;
  const step = async (): Promise<number> => {
    steps++;
    const { lr, beta1, beta2, weightDecay } = GPT_ADAMW;
    const rates = [1 - lr * weightDecay, lr / (1 - beta1 ** steps), 1 / Math.sqrt(1 - beta2 ** steps)];
    const batch = [Int32Array.from(ids), labels].map((values) => np.array(values, { dtype: np.int32 }));
    const [value, weights, m, v] = run(
      ...([state.weights, state.m, state.v, batch] as const),
      tables.map((table) => table.ref),
      rates.map((rate) => np.array(Float32Array.of(rate)).reshape([])),
    );
    state = { weights, m, v };
    const [result = Number.NaN] = await value.data();
    await jax.blockUntilReady(state.weights);
    return result;
  };
  return { step, destroy: () => undefined };
}
