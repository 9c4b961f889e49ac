// Trains a LoRA adapter on all seven projections of the peers bench's text model by our engine: what the bench gives to jax-js,
// too. Both start from the same adapter and learn the same sequence by heart.

import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { createPrng } from '../../src/lib/prng';
import { ImageEncoder } from '../../src/model/image_encoder';
import { type LoraWeights, trainableModules } from '../../src/model/lora';
import type { ModelSpec } from '../../src/model/spec';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { DEFAULT_TRAIN_CONFIG } from '../../src/settings/train_settings';
import { LoraPolicy } from '../../src/train/policy';
import type { PeerTextModel } from './peer_weights';
import { BENCH_LORA, randomWords } from './train_shared';

/** AdamW as both sides run it, without clipping. */
export const PEER_ADAMW = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 } as const;

/** The adapter and the length of the sequence. */
export const peerLora = {
  rank: BENCH_LORA.r,
  scale: BENCH_LORA.loraAlpha / BENCH_LORA.r,
  tokens: 512,
  /** A and B of every module; B is not zero, so that gradients reach A from the first step on. */
  weights: (spec: ModelSpec): LoraWeights[] => {
    const prng = createPrng(3);
    const { r } = BENCH_LORA;
    return [...trainableModules(spec)].map(([module, [out, width]]) => ({
      module,
      a: Float32Array.from({ length: r * width }, () => prng.uniform(-1, 1) * width ** -0.5),
      b: Float32Array.from({ length: out * r }, () => prng.uniform(-0.02, 0.02)),
    }));
  },
} as const;

/** Ids of the rows and the ids that follow them. */
export function peerBatch(spec: ModelSpec): { readonly ids: number[]; readonly labels: number[] } {
  const text = randomWords({ config: spec }, peerLora.tokens + 1, 12);
  return { ids: text.slice(0, -1), labels: text.slice(1) };
}

/** Something that trains step by step. */
export interface PeerTrainer {
  /** One step; resolves with its loss, read back, once its update is done. */
  step(): Promise<number>;
  destroy(): void;
}

/** Our trainer, through the product's policy. */
export async function openOurLora(
  gpu: GpuContext,
  peer: PeerTextModel,
): Promise<PeerTrainer & { plannedBytes(): number }> {
  const model = await VisionLanguageModel.load(gpu, peer.files(), { precision: 'f32' });
  const scope = new GpuScope(gpu);
  const images = scope.own(new ImageEncoder(model.device));
  const options = { gradientCheckpointing: false, maxGradNorm: 0, temperature: 1 };
  const policy = scope.own(
    await LoraPolicy.create(model.device, images, BENCH_LORA, peerLora.weights(peer.spec), options),
  );
  const { ids, labels } = peerBatch(peer.spec);
  const group = { prompt: { inputIds: ids.slice(0, 1), images: [] }, completions: [labels] };
  const { lr, beta1: adamBeta1, beta2: adamBeta2, eps: adamEpsilon, weightDecay } = PEER_ADAMW;
  const optim = { ...DEFAULT_TRAIN_CONFIG.optim, adamBeta1, adamBeta2, adamEpsilon, weightDecay };
  let steps = 0;
  return {
    plannedBytes: () => policy.plannedBytes,
    step: async () => {
      steps++;
      const [batch] = policy.microBatches([group], peerLora.tokens);
      if (!batch) throw new Error('The sequence made no batch.');
      const weights = new Float32Array(labels.length).fill(-1 / labels.length);
      const { logp } = await policy.accumulate(batch, { objective: 'sft', weights }, steps);
      const { finite } = await policy.update(optim, lr, steps);
      if (!finite) throw new Error('A gradient is not finite.');
      return -logp.reduce((sum, value) => sum + value, 0) / labels.length;
    },
    destroy: () => {
      scope.destroy();
      model.destroy();
    },
  };
}
