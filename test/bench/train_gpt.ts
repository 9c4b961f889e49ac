// Trains all weights of a small GPT on our operators: the job that the train bench gives to another library, too. The
// cross-entropy and the gradient of the tied embedding are put together here. The model, its data and its first
// weights are those of train_jax.ts.

import { alignUp } from '../../src/gpu/buffer_region';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { ReadbackRing } from '../../src/gpu/readback_ring';
import { adamw, packAdamw } from '../../src/kernels/adamw';
import { gemm } from '../../src/kernels/gemm';
import { tokenLogp, tokenLogpBackward } from '../../src/kernels/token_logp';
import { createPrng } from '../../src/lib/prng';
import { backward } from '../../src/tensor/autodiff';
import { attention } from '../../src/tensor/ops/attention';
import { embed } from '../../src/tensor/ops/embedding';
import { linear } from '../../src/tensor/ops/linear';
import { rmsNorm } from '../../src/tensor/ops/rms_norm';
import { splitRotary } from '../../src/tensor/ops/split_rotary';
import { swiglu } from '../../src/tensor/ops/swiglu';
import { Program } from '../../src/tensor/program';
import { externalTensor, reshape, type Tensor, type Trace } from '../../src/tensor/trace';
import { denseWeight } from '../../src/tensor/weight';

/** 4 layers of width 128 with 4 heads over 512 words, 256 tokens: RMSNorm, rotary positions, SwiGLU, tied vocabulary. */
export const GPT = {
  ...{ layers: 4, width: 128, heads: 4, headSize: 32, inner: 352, vocab: 512, tokens: 256 },
  ...{ eps: 1e-6, theta: 1e4 },
} as const;

/** AdamW as both sides run it, without clipping. */
export const GPT_ADAMW = { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 } as const;

/** A weight on the host; matrices are [out, in]. */
export interface HostWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** First weights: matrices of standard deviation in^-½, the embedding 0.02, norms 1. */
export function gptWeights(): HostWeight[] {
  const prng = createPrng(11);
  const matrix = (name: string, out: number, width: number, sigma: number): HostWeight => {
    const bound = Math.sqrt(3) * sigma;
    const data = Float32Array.from({ length: out * width }, () => prng.uniform(-bound, bound));
    return { name, shape: [out, width], data };
  };
  const norm = (name: string): HostWeight => ({
    ...{ name, shape: [GPT.width] },
    data: new Float32Array(GPT.width).fill(1),
  });
  const { width, inner, vocab } = GPT;
  const weights = [matrix('embedding', vocab, width, 0.02), norm('norm')];
  for (let layer = 0; layer < GPT.layers; layer++) {
    weights.push(
      norm(`${layer}.norm1`),
      matrix(`${layer}.qkv`, 3 * width, width, width ** -0.5),
      matrix(`${layer}.o`, width, width, width ** -0.5),
      norm(`${layer}.norm2`),
      matrix(`${layer}.gate_up`, 2 * inner, width, width ** -0.5),
      matrix(`${layer}.down`, width, inner, inner ** -0.5),
    );
  }
  return weights;
}

/** One sequence with its next tokens, learnt by heart. */
export function gptBatch(): { ids: Uint32Array<ArrayBuffer>; labels: Int32Array<ArrayBuffer> } {
  const prng = createPrng(12);
  const text = Uint32Array.from({ length: GPT.tokens + 1 }, () => prng.nextInt(GPT.vocab));
  return { ids: text.slice(0, -1), labels: Int32Array.from(text.subarray(1)) };
}

/** Rotary tables [T, HS/2]. */
export function gptRotary(): { cos: Float32Array<ArrayBuffer>; sin: Float32Array<ArrayBuffer> } {
  const half = GPT.headSize / 2;
  const angles = Float64Array.from({ length: GPT.tokens * half }, (_, i) => {
    return Math.floor(i / half) * GPT.theta ** (-(i % half) / half);
  });
  return { cos: Float32Array.from(angles, Math.cos), sin: Float32Array.from(angles, Math.sin) };
}

/** Something that trains step by step. */
export interface GptTrainer {
  /** One step on the batch; resolves with its loss, read back. */
  step(): Promise<number>;
  destroy(): void;
}

/** Our trainer with what its programs report. */
export interface OurGptTrainer extends GptTrainer {
  readonly dispatches: number;
  readonly plannedBytes: number;
  /** GPU objects made so far. */
  creations(): number;
}

/** −log-probability of labels; the gradient of the logits replaces them. */
function crossEntropy(trace: Trace, logits: Tensor, labels: Tensor): Tensor {
  const [rows = 0, cols = 0] = logits.shape;
  const shape = { rows, cols, first: 0 };
  const [logp, lse, entropy] = ['logp', 'lse', 'entropy'].map((name) => trace.activation(name, [rows]));
  const [state, argmax] = [trace.activation('state', [rows, 5]), trace.activation('argmax', [rows], 'u32')];
  const result: Tensor = { ...(logp as Tensor), requiresGrad: true };
  const outputs = [logp, lse, entropy, argmax] as Tensor[];
  trace.emit(tokenLogp({ ...shape, last: true }, trace.traits), [logits, labels, state, ...outputs]);
  trace.record({
    ...{ name: 'cross_entropy', inputs: [logits], outputs: [result] },
    backward: (gradients, [dlogp]) => {
      if (!dlogp) return;
      trace.emit(tokenLogpBackward(shape, trace.traits), [labels, lse as Tensor, dlogp, logits]);
      gradients.add(logits, logits);
    },
  });
  return result;
}

/** Rows of a trained table; its gradient is added to `dTable`, where the output projection has put its own. */
function embedTied(trace: Trace, table: Tensor, dTable: Tensor, ids: Tensor, oneHot: Tensor): Tensor {
  const { tokens, vocab, width } = GPT;
  const rows = embed(trace, denseWeight(table), { ids, stride: 1, offset: 0 }, tokens);
  const x: Tensor = { ...rows, requiresGrad: true };
  trace.record({
    ...{ name: 'embed_tied', inputs: [table], outputs: [x] },
    backward: (_, [dx]) => {
      if (!dx) return;
      const product = { m: vocab, n: width, k: tokens, mode: 'tn', weight: 'f32', accumulate: true } as const;
      trace.emit(gemm(product, trace.traits), [oneHot, dx, dTable]);
    },
  });
  return x;
}

function traceLayers(trace: Trace, weight: (name: string) => Tensor, x: Tensor): Tensor {
  const { tokens, width, heads, headSize, eps } = GPT;
  const rotary = {
    cos: trace.input('cos', [tokens, headSize / 2]),
    sin: trace.input('sin', [tokens, headSize / 2]),
    rows: trace.input('rows', [tokens], 'u32'),
  };
  const ranges = trace.input('ranges', [tokens, 4], 'u32');
  let stream = x;
  for (let layer = 0; layer < GPT.layers; layer++) {
    const at = (name: string): Tensor => weight(`${layer}.${name}`);
    const qkv = linear(trace, rmsNorm(trace, stream, at('norm1'), eps), denseWeight(at('qkv')));
    const { out } = attention(trace, splitRotary(trace, qkv, { heads, kvHeads: heads, headSize }, rotary), {
      ranges,
    });
    stream = linear(trace, reshape(out, [tokens, width]), denseWeight(at('o')), { residual: stream });
    const gateUp = linear(trace, rmsNorm(trace, stream, at('norm2'), eps), denseWeight(at('gate_up')));
    stream = linear(trace, swiglu(trace, gateUp), denseWeight(at('down')), { residual: stream });
  }
  return rmsNorm(trace, stream, weight('norm'), eps);
}

/** Parameters, gradients and moments, each in one arena. */
class Arenas {
  readonly tensors = new Map<string, Tensor>();
  readonly gradients = new Map<string, Tensor>();
  readonly count: number;
  readonly whole: Readonly<Record<'parameters' | 'gradient' | 'm' | 'v', Tensor>>;
  readonly #gpu: GpuContext;

  constructor(gpu: GpuContext, weights: readonly HostWeight[]) {
    this.#gpu = gpu;
    const bytes = weights.reduce((sum, { data }) => sum + alignUp(data.byteLength, 256), 0);
    this.count = bytes / 4;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const arena = (name: string): Tensor => {
      const region = { buffer: gpu.createBuffer(bytes, usage, name), offset: 0, bytes };
      return externalTensor(name, [this.count], 'f32', region);
    };
    this.whole = {
      parameters: arena('parameters'),
      gradient: arena('gradient'),
      m: arena('m'),
      v: arena('v'),
    };
    let offset = 0;
    for (const { name, shape, data } of weights) {
      const part = (whole: Tensor, trains: boolean): Tensor => {
        const region = { buffer: whole.region!.buffer, offset, bytes: data.byteLength };
        return externalTensor(name, shape, 'f32', region, trains);
      };
      this.tensors.set(name, part(this.whole.parameters, true));
      this.gradients.set(name, part(this.whole.gradient, false));
      gpu.device.queue.writeBuffer(this.whole.parameters.region!.buffer, offset, data);
      offset += alignUp(data.byteLength, 256);
    }
  }

  destroy(): void {
    for (const { region } of Object.values(this.whole)) this.#gpu.destroyBuffer(region!.buffer);
  }
}

function traceStep(trace: Trace, arenas: Arenas): void {
  const { tokens, vocab } = GPT;
  const weight = (name: string): Tensor => arenas.tensors.get(name)!;
  const table = weight('embedding');
  const ids = trace.input('ids', [tokens], 'u32');
  const oneHot = trace.input('one_hot', [tokens, vocab]);
  const x = embedTied(trace, table, arenas.gradients.get('embedding')!, ids, oneHot);
  const hidden = traceLayers(trace, weight, x);
  const logp = crossEntropy(
    trace,
    linear(trace, hidden, denseWeight(table)),
    trace.input('labels', [tokens], 'i32'),
  );
  trace.output('logp', logp);
  const into = new Map([...arenas.tensors].map(([name, tensor]) => [tensor, arenas.gradients.get(name)!]));
  backward(trace, [[logp, trace.input('dlogp', [tokens])]], [...arenas.tensors.values()], into);
  const { parameters, gradient, m, v } = arenas.whole;
  const given = [trace.input('hparams', [8]), trace.input('clip', [4])];
  trace.emit(adamw({ count: arenas.count }, trace.traits), [gradient, ...given, parameters, m, v]);
}

/** Our trainer: forward, backward and AdamW in one program. */
export async function openOurGpt(gpu: GpuContext): Promise<OurGptTrainer> {
  const { tokens, vocab } = GPT;
  const arenas = new Arenas(gpu, gptWeights());
  const program = await Program.compile(gpu, 'gpt', (trace) => traceStep(trace, arenas));
  const ring = new ReadbackRing(gpu, 4 * tokens, 1, 'loss');
  const ranges = new Uint32Array(4 * tokens);
  for (let row = 0; row < tokens; row++) ranges.set([0, 0, 0, row + 1], 4 * row);
  const still = { ...gptRotary(), ranges, rows: Uint32Array.from({ length: tokens }, (_, row) => row) };
  for (const [name, data] of Object.entries(still)) program.write(name, data);
  program.write('dlogp', new Float32Array(tokens).fill(-1 / tokens));
  program.write('clip', Float32Array.of(1, 0, 0, 0));
  const { ids, labels } = gptBatch();
  const oneHot = new Float32Array(tokens * vocab);
  let steps = 0;
  const step = async (): Promise<number> => {
    oneHot.fill(0);
    ids.forEach((id, row) => {
      oneHot[row * vocab + id] = 1;
    });
    for (const [name, data] of Object.entries({ ids, labels, one_hot: oneHot })) program.write(name, data);
    program.write('hparams', packAdamw({ ...GPT_ADAMW, step: ++steps }));
    const slot = ring.acquire();
    program.submit((encoder) => slot.copy(encoder, [program.region('logp')]));
    return -new Float32Array(await slot.take()).reduce((sum, logp) => sum + logp, 0) / tokens;
  };
  const destroy = (): void => {
    ring.destroy();
    program.destroy();
    arenas.destroy();
  };
  const { plannedBytes } = program.stats;
  const { dispatches } = program;
  return {
    step,
    destroy,
    dispatches,
    plannedBytes,
    creations: () => creations(gpu.counters),
  };
}
