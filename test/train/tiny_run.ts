// Makes the tiny fixture model with what a trainer is made of: prompts with and without pictures, adapters, policies,
// rollouts.

import type { GpuContext } from '../../src/gpu/device';
import { inScope } from '../../src/gpu/gpu_scope';
import { ImageEncoder } from '../../src/model/image_encoder';
import { type LoraAdapter, type LoraConfig, type LoraWeights, trainableModules } from '../../src/model/lora';
import type { ImageInput, PromptInput } from '../../src/model/prompt_packing';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { DEFAULT_TRAIN_CONFIG, type OptimSettings } from '../../src/settings/train_settings';
import { readTensor } from '../../src/tensor/tensor_memory';
import type { CompletionGroup } from '../../src/train/packing';
import { LoraPolicy, type MicroBatch, type PolicyOptions } from '../../src/train/policy';
import type { SftLoss } from '../../src/train/policy_loss';
import { Rollout } from '../../src/train/rollout';
import { wordDecoder } from '../generation/scripted_session';
import { noise } from '../harness/check_op';
import { testGpu } from '../harness/gpu';
import { fixtureModel } from '../harness/model_fixture';

/** The end of a sequence in the tiny model. */
export const EOS = 2;

/** Adapter of rank 2 on every projection. */
export const TINY_LORA: LoraConfig = {
  r: 2,
  loraAlpha: 4,
  useRslora: false,
  baseModel: '',
  targetModules: '.*',
};

/** A rate at which a few steps show. */
export const OPTIM: OptimSettings = {
  ...DEFAULT_TRAIN_CONFIG.optim,
  learningRate: 1e-2,
  lrSchedulerType: 'constant',
};

/** The loaded model; free it with `destroy`. */
export async function loadTiny(): Promise<VisionLanguageModel> {
  return VisionLanguageModel.load(
    await testGpu(),
    fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']),
  );
}

function picture(seed: number, gridThw: ImageInput['gridThw']): ImageInput {
  return { gridThw, pixelValues: noise(gridThw[0] * gridThw[1] * gridThw[2] * 96, seed) };
}

const SMALL = picture(1, [1, 2, 4]);
const WIDE = picture(2, [1, 4, 6]);
const vision = (count: number): number[] => [149, ...Array<number>(count).fill(151), 150];

/** Prompts of different lengths: none, one small, and one wide picture; one with a single token. */
export const PROMPTS: readonly PromptInput[] = [
  { inputIds: [1, 10, 11, 12, 13], images: [] },
  { inputIds: [1, ...vision(2), 20, 21, 22, 23, 24, 25, 26], images: [SMALL] },
  { inputIds: [30, ...vision(6), 31, 32], images: [WIDE] },
  { inputIds: [40], images: [] },
];

/** Groups with two completions of uneven lengths each. */
export const GROUPS: readonly CompletionGroup[] = PROMPTS.map((prompt, index) => ({
  prompt,
  completions: [Array.from({ length: 3 + 2 * index }, (_, at) => 50 + 7 * index + at), [60 + index, 61, EOS]],
}));

/** Adapter weights: A random, B zero as PEFT begins, or random of a scale. */
export function tinyWeights(model: VisionLanguageModel, seed: number, scaleB = 0): LoraWeights[] {
  return [...trainableModules(model.config)].map(([module, [out, width]], index) => ({
    module,
    a: noise(TINY_LORA.r * width, seed + index).map((v) => v * width ** -0.5),
    b: noise(out * TINY_LORA.r, seed + 100 + index).map((v) => v * scaleB),
  }));
}

/** A policy with images of its own, and the scope that owns both. */
export async function tinyPolicy(
  model: VisionLanguageModel,
  options: Partial<PolicyOptions> & { seed?: number; scaleB?: number } = {},
) {
  const { seed = 1, scaleB = 0.1, ...rest } = options;
  const settings = { gradientCheckpointing: false, maxGradNorm: 0, temperature: 1, ...rest };
  return inScope(model.device.gpu, async (memory) => {
    const images = memory.own(new ImageEncoder(model.device));
    const weights = tinyWeights(model, seed, scaleB);
    const made = LoraPolicy.create(model.device, images, TINY_LORA, weights, settings);
    return { policy: memory.own(await made), images, memory, destroy: () => memory.destroy() };
  });
}

/** A rollout under an adapter; its decoder writes ` id` for each token. */
export function tinyRollout(
  model: VisionLanguageModel,
  images: ImageEncoder,
  adapter: LoraAdapter | null,
  eosTokenIds: readonly number[] = [EOS],
): Rollout {
  const { device, weights } = model;
  const words = Array.from({ length: model.config.text.vocabSize }, (_, id) => ` ${id}`);
  return new Rollout({
    model: adapter ? { ...device, weights: adapter.applyTo(weights) } : device,
    images,
    eosTokenIds,
    createDecoder: () => wordDecoder(words),
  });
}

/** A mean over all supervised tokens. */
export function meanLoss({ packed }: MicroBatch, tokens: number): SftLoss {
  return { objective: 'sft', weights: new Float32Array(packed.rows).fill(-1 / tokens) };
}

/** The adapter's values. */
export function arenaOf(gpu: GpuContext, adapter: LoraAdapter): Promise<Float32Array> {
  return readTensor(gpu, adapter.arena);
}

/** A signal that aborts when it is asked the n-th time, counted from 1: in the midst of a pass of several submits. */
export function signalAt(asks: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  const { signal } = controller;
  let asked = 0;
  signal.throwIfAborted = () => {
    if (++asked >= asks) controller.abort(reason);
    if (signal.aborted) throw reason;
  };
  return signal;
}

/** ‖a − b‖ / ‖b‖ */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Math.hypot(...a.map((value, index) => value - b[index]!)) / Math.hypot(...b);
}
