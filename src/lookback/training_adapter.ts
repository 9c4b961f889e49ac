// Says which adapter a training run makes: its settings, and its matrices as a checkpoint holds them.

import { LookBackError } from '../lib/errors';
import {
  type LoraConfig,
  type LoraWeights,
  loraWeightsOf,
  shapedModules,
  targetedModules,
  trainableModules,
} from '../model/lora';
import type { ModelSpec } from '../model/spec';
import type { AdapterStart, TrainingRequest } from './training';

/** The adapter's settings as PEFT knows them, for a run of a model. */
export function loraConfigOf(
  { lora, start }: Pick<TrainingRequest, 'lora' | 'start'>,
  baseModel: string,
): LoraConfig {
  if (start) return start.config;
  const { r, loraAlpha, targetModules } = lora;
  return { r, loraAlpha, useRslora: false, baseModel, targetModules };
}

/**
 * Finds out whether a run can continue an adapter.
 * @throws LookBackError `train/adapter` for one that changes more than the text decoder: features of pictures are computed
 *   once, by the tower as it is
 */
export function checkTrainable({ weights }: Pick<AdapterStart, 'weights'>, model: ModelSpec): void {
  const trained = trainableModules(model);
  const others = weights.map(({ module }) => module).filter((module) => !trained.has(module));
  const [first] = others;
  if (first === undefined) return;
  const message = `This adapter changes ${others.length} layers of vision tower or connector, ${first} among them; training changes the language model alone: continue another adapter, or begin a new one.`;
  throw new LookBackError('train/adapter', message, { modules: others.slice(0, 32) });
}

/** Matrices of the adapter that a checkpoint of a run holds. Throws ModelError `model/adapter` when it does not fit. */
export function trainedWeights(
  request: Pick<TrainingRequest, 'lora' | 'start'>,
  model: ModelSpec,
  arena: Float32Array,
): LoraWeights[] {
  const config = loraConfigOf(request, '');
  const names =
    request.start?.weights.map(({ module }) => module) ?? targetedModules(model, config.targetModules);
  return loraWeightsOf(arena, config, shapedModules(names, model));
}
