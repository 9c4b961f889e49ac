// Says which adapter a training run makes: its settings, and its matrices as a checkpoint holds them.

import {
  type LoraConfig,
  type LoraWeights,
  loraWeightsOf,
  shapedModules,
  targetedModules,
} from '../model/lora';
import type { ModelSpec } from '../model/spec';
import type { TrainingRequest } from './training';

/** The adapter's settings as PEFT knows them, for a run of a model. */
export function loraConfigOf(
  { lora, start }: Pick<TrainingRequest, 'lora' | 'start'>,
  baseModel: string,
): LoraConfig {
  if (start) return start.config;
  const { r, loraAlpha, targetModules } = lora;
  return { r, loraAlpha, useRslora: false, baseModel, targetModules };
}

/** Matrices of the adapter that a checkpoint of a run holds. Throws ModelError `model/adapter` when it does not fit. */
export function trainedWeights(
  request: Pick<TrainingRequest, 'lora' | 'start'>,
  model: ModelSpec,
  arena: Float32Array,
): LoraWeights[] {
  const { r, targetModules } = loraConfigOf(request, '');
  const names = request.start?.weights.map(({ module }) => module) ?? targetedModules(model, targetModules);
  return loraWeightsOf(arena, r, shapedModules(names, model));
}
