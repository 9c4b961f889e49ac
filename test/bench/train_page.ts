// Runs the page half of the train bench: trains one small GPT on our kernels and by jax-js, step by step in turns,
// for the driver outside (tools/bench_train.ts), which waits for `trainReady`.

import { acquireDevice } from '../../src/gpu/device';
import { loadJax } from './jax';
import { openOurGpt } from './train_gpt';
import { openJaxGpt } from './train_jax';

/** Times and losses of both, step by step. */
export interface GptComparison {
  readonly adapter: string;
  readonly ours: { readonly ms: number[]; readonly losses: number[] };
  readonly jax: { readonly ms: number[]; readonly losses: number[] };
  readonly dispatches: number;
  readonly creations: number;
  readonly plannedBytes: number;
  /** Until the first step is done: tracing, compiling, and the step. */
  readonly firstMs: { readonly ours: number; readonly jax: number };
}

declare global {
  interface Window {
    compareGpt(steps: number, warmUp: number): Promise<GptComparison>;
    trainReady: boolean;
  }
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

window.compareGpt = async (steps, warmUp) => {
  const gpu = await acquireDevice();
  const library = await loadJax();
  const [oursOpened, ours] = await timed(() => openOurGpt(gpu));
  const [jaxOpened, theirs] = await timed(() => openJaxGpt(library));
  const results = {
    ours: { ms: [] as number[], losses: [] as number[] },
    jax: { ms: [] as number[], losses: [] as number[] },
  };
  const take = async (name: 'ours' | 'jax'): Promise<void> => {
    const [ms, loss] = await timed(() => (name === 'ours' ? ours : theirs).step());
    results[name].ms.push(ms);
    results[name].losses.push(loss);
  };
  let before = 0;
  for (let step = 0; step < warmUp + steps; step++) {
    if (step === warmUp) before = ours.creations();
    // Whoever goes second may find warmer caches: they change places.
    for (const name of step % 2 ? (['jax', 'ours'] as const) : (['ours', 'jax'] as const)) await take(name);
  }
  const made = ours.creations() - before;
  const { dispatches, plannedBytes } = ours;
  const firstMs = { ours: oursOpened + results.ours.ms[0]!, jax: jaxOpened + results.jax.ms[0]! };
  ours.destroy();
  theirs.destroy();
  await gpu.fence();
  return {
    adapter: gpu.traits.description,
    ...results,
    dispatches,
    creations: made,
    plannedBytes,
    firstMs,
  };
};
window.trainReady = true;
