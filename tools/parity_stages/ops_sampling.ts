// Computes the rows of a `sampling` folder, and the softmax cases of an `ops` folder, by the sampler's distribution.

import type { GpuContext } from '../../src/gpu/device';
import { packSampling, packSeen, samplerProbabilities } from '../../src/kernels/sampler';
import type { HostArray } from '../../src/tensor/program';
import { type Case, need, type Results, run } from './ops_case';

/** Softmax of rows: what the sampler draws from at temperature 1 with nothing cut or penalised. */
export async function runSoftmax(gpu: GpuContext, test: Case): Promise<Results> {
  const [rows = 1, cols = 1] = test.shape('x');
  const plain = packSampling({ temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1 });
  const { probs } = await distribution(gpu, [rows, cols], {
    logits: await test.read('x'),
    sampling: Uint32Array.from({ length: rows * plain.length }, (_, i) => plain[i % plain.length] ?? 0),
    seen: new Uint32Array(rows * Math.ceil(cols / 32)),
  });
  return { y: probs };
}

/** Logits after the penalty, which ids are kept, and their probabilities. */
export async function runSampling(gpu: GpuContext, test: Case): Promise<Results> {
  const logits = await test.read('logits');
  const [temperature = 1, topK = 0, topP = 1, repetitionPenalty = 1] = await test.read('params');
  const vocab = logits.length;
  // Ids past the vocabulary can never be sampled, so penalising them changes nothing.
  const history = [...(await test.integers('history'))].filter((id) => id >= 0 && id < vocab);
  const results = await distribution(gpu, [1, vocab], {
    logits,
    sampling: packSampling({ temperature, topK, topP, repetitionPenalty }),
    seen: packSeen(vocab, history),
  });
  return { ...results, kept: Uint8Array.from(results.kept ?? []) };
}

async function distribution(
  gpu: GpuContext,
  [batch, vocab]: readonly [number, number],
  data: { readonly logits: Float32Array; readonly sampling: Uint32Array; readonly seen: Uint32Array },
): Promise<Record<string, HostArray>> {
  const inputs = {
    logits: { data: data.logits, shape: [batch, vocab] },
    sampling: { data: data.sampling, shape: [batch, 8], dtype: 'u32' as const },
    seen: { data: data.seen, shape: [batch, Math.ceil(vocab / 32)], dtype: 'u32' as const },
  };
  return run(gpu, inputs, (trace, t) => {
    const penalised = trace.activation('penalised', [batch * vocab]);
    const kept = trace.activation('kept', [batch * vocab], 'u32');
    const probs = trace.activation('probs', [batch * vocab]);
    const given = [need(t, 'logits'), need(t, 'sampling'), need(t, 'seen')];
    trace.emit(samplerProbabilities({ batch, vocab }, trace.traits), [...given, penalised, kept, probs]);
    return { penalised, kept, probs };
  });
}
