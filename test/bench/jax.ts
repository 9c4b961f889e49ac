// Describes what benches use of jax-js, which is handed in by whoever serves the page, and the parts of decoders that they share.
// Its arrays are counted by reference: a function consumes its operands, `.ref` keeps one.

/** An array of jax-js. */
export interface JaxArray {
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

/** Arrays by name. */
export type JaxTree = Record<string, JaxArray>;

/** The library's module. */
export interface Jax {
  init(): Promise<string[]>;
  defaultDevice(device: string): unknown;
  blockUntilReady(arrays: unknown): Promise<unknown>;
  jit<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R;
  valueAndGrad(f: (...args: never[]) => JaxArray): (...args: unknown[]) => [JaxArray, JaxTree];
  readonly numpy: {
    readonly int32: unknown;
    array(data: Float32Array | Int32Array, options?: { dtype: unknown }): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    matrixTranspose(a: JaxArray): JaxArray;
    sqrt(a: JaxArray): JaxArray;
    square(a: JaxArray): JaxArray;
    reciprocal(a: JaxArray): JaxArray;
    split(a: JaxArray, parts: number | number[], axis: number): JaxArray[];
    concatenate(parts: readonly JaxArray[], axis: number): JaxArray;
    take(a: JaxArray, indices: JaxArray, axis: number): JaxArray;
  };
  readonly nn: {
    silu(x: JaxArray): JaxArray;
    oneHot(x: JaxArray, classes: number): JaxArray;
    logSoftmax(x: JaxArray, axis: number): JaxArray;
    dotProductAttention(
      q: JaxArray,
      k: JaxArray,
      v: JaxArray,
      options: { scale: number; isCausal?: boolean },
    ): JaxArray;
  };
}

/** Chooses its WebGPU backend. @throws Error when it finds none */
export async function useWebgpu(jax: Jax): Promise<void> {
  const devices = await jax.init();
  if (!devices.includes('webgpu')) throw new Error(`jax-js offers ${devices.join(', ')}, not webgpu.`);
  jax.defaultDevice('webgpu');
}

/** Loads it from where the driver outside serves it. */
export async function loadJax(): Promise<Jax> {
  // A name that the bundler does not follow.
  const path = '/jax/index.js';
  return (await import(/* @vite-ignore */ path)) as Jax;
}

/** RMSNorm over the last axis. */
export function rmsNorm({ numpy: np }: Jax, x: JaxArray, weight: JaxArray, eps: number): JaxArray {
  const power = np.square(x.ref).mean(-1, { keepdims: true }).add(eps);
  return x.mul(np.reciprocal(np.sqrt(power))).mul(weight);
}

/** Halves of every head turned by the positions' angles; x [T, NH, HS], tables [T, 1, HS/2]. */
export function rotate({ numpy: np }: Jax, x: JaxArray, cos: JaxArray, sin: JaxArray): JaxArray {
  const [a, b] = np.split(x, 2, -1) as [JaxArray, JaxArray];
  const first = a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref));
  const second = b.mul(cos).add(a.mul(sin));
  return np.concatenate([first, second], -1);
}

/** Settings of AdamW without clipping. */
export interface JaxAdamw {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** What changes of a step, as scalars: [1 − lr·decay, lr / (1 − β1ᵗ), 1 / √(1 − β2ᵗ)]. */
export function adamwRates(
  { numpy: np }: Jax,
  { lr, beta1, beta2, weightDecay }: JaxAdamw,
  step: number,
): JaxArray[] {
  const rates = [1 - lr * weightDecay, lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)];
  return rates.map((rate) => np.array(Float32Array.of(rate)).reshape([]));
}

/** What trains, with its moments. */
export interface JaxTrainState {
  readonly weights: JaxTree;
  readonly m: JaxTree;
  readonly v: JaxTree;
}

/** One AdamW step of all weights; consumes everything it is given. */
export function adamwStep(
  { numpy: np }: Jax,
  { weights, m, v }: JaxTrainState,
  gradients: JaxTree,
  rates: readonly JaxArray[],
  { beta1, beta2, eps }: JaxAdamw,
): JaxTrainState {
  const [keep, rate, correction] = rates as [JaxArray, JaxArray, JaxArray];
  const next: JaxTrainState = { weights: {}, m: {}, v: {} };
  for (const name of Object.keys(weights)) {
    const given = [weights, gradients, m, v].map((tree) => tree[name] as JaxArray);
    const [p, g, oldM, oldV] = given as [JaxArray, JaxArray, JaxArray, JaxArray];
    const first = oldM.mul(beta1).add(g.ref.mul(1 - beta1));
    const second = oldV.mul(beta2).add(np.square(g).mul(1 - beta2));
    const scale = np.sqrt(second.ref).mul(correction.ref).add(eps);
    next.weights[name] = p.mul(keep.ref).sub(first.ref.mul(rate.ref).div(scale));
    next.m[name] = first;
    next.v[name] = second;
  }
  for (const each of rates) each.dispose();
  return next;
}
