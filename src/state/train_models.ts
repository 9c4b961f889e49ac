// Holds the models that a plan may name, and loads the one that a run needs before it is asked of the engine.

import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { PlainError } from '../lib/plain_error';
import type { ModelEntry } from '../worker/protocol/engine';
import type { TrainPlan } from './train_plan';
import type { TrainStored } from './train_stored';

/** The models of the page, and the one way to load another: runs train the model that is loaded. */
export interface ModelPort {
  readonly models: ReadonlySignal<readonly Pick<ModelEntry, 'id' | 'label'>[]>;
  /** Id of the loaded model; null while there is none. */
  readonly loaded: ReadonlySignal<string | null>;
  /** Resolves when the load is over, successful or not. */
  load(id: string): Promise<void>;
}

/** The models of a plan. */
export interface TrainModels {
  /** Models that a plan may name. */
  readonly models: ReadonlySignal<readonly Pick<ModelEntry, 'id' | 'label'>[]>;
  /** True when the plan's model is known not to be the loaded one: starting loads it first. */
  readonly needsModel: ReadonlySignal<boolean>;
  /** Hands over the page's models; without them a plan's model must have been loaded by somebody else. */
  useModels(port: ModelPort): void;
}

/** The models, and how a run gets its own. */
export interface TrainModelsLoading extends TrainModels {
  /** Loads a model, if the page can. @throws PlainError `train/model` */
  withModel(modelId: string): Promise<void>;
}

/** No model is known at first but those that plan and adapters name. */
export function createTrainModels(
  { plan }: Pick<TrainPlan, 'plan'>,
  { adapters }: Pick<TrainStored, 'adapters'>,
): TrainModelsLoading {
  const port = signal<ModelPort | null>(null);
  return {
    models: computed(() => {
      const known = port.value?.models.value ?? [];
      const ids = [plan.value.modelId, ...adapters.value.map((one) => one.modelId)];
      const unnamed = [...new Set(ids)].filter((id) => known.every((model) => model.id !== id));
      return [...known, ...unnamed.map((id) => ({ id, label: id }))];
    }),
    needsModel: computed(() => port.value !== null && port.value.loaded.value !== plan.value.modelId),
    useModels: (given) => {
      port.value = given;
    },
    withModel: async (modelId) => {
      const models = port.peek();
      if (models === null || models.loaded.peek() === modelId) return;
      await models.load(modelId);
      if (models.loaded.peek() === modelId) return;
      const message = `The model "${modelId}" could not be loaded.`;
      throw { code: 'train/model', message } satisfies PlainError;
    },
  };
}
