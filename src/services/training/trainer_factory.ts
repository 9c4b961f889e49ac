// Makes the trainer of a plan: finds its rows or its world and the adapter that it continues, and what its checkpoints
// must carry. A checkpoint is never put on another base model than the one that made it.

import type { PixelArray } from '../../data/image/pillow_resize';
import { IMAGE_SIDE } from '../../data/world/grid';
import type { TrainingQuestions } from '../../data/world/split_questions';
import { DataError, LookBackError } from '../../lib/errors';
import type { PlainError } from '../../lib/plain_error';
import { leftOutMessage, type RowSource } from '../../lookback/row_examples';
import type { AdapterStart, PreparingHooks, TrainingRequest } from '../../lookback/training';
import { checkTrainable, loraConfigOf } from '../../lookback/training_adapter';
import { shapedModules, targetedModules } from '../../model/lora';
import { evaluatesHeldOut } from '../../settings/held_out_settings';
import { readerOf } from '../../settings/read_settings';
import { completePlan } from '../../settings/train_plan';
import { ownBytes } from '../../storage/record_size';
import type { PromptExample, Trainer, TrainerCheckpoint } from '../../train/trainer';
import type { TrainingPlan } from '../../worker/protocol/training';
import { type CheckpointBase, kernelTraits } from '../answers/checkpoint_base';
import type { EngineModel, Loaded } from '../answers/engine';
import type { AdapterLibrary } from '../library/adapter_library';
import type { DatasetLibrary } from '../library/dataset_library';
import type { MemoryPlanner } from './training_estimate';
import type { MemoryPlan } from './training_memory';
import type { MadeTrainer, MakingHooks } from './training_run';

/** A run's checkpoint with what lies beside it. */
type MadeCheckpoint = TrainerCheckpoint & { readonly extra: CheckpointBase };

/** What the factory needs. */
export interface TrainerFactoryParts<M> {
  createTrainer(model: M, request: TrainingRequest, hooks: PreparingHooks): Promise<Trainer>;
  readonly adapters: Pick<AdapterLibrary, 'startOf'>;
  readonly datasets: Pick<DatasetLibrary, 'rowSource' | 'picture'>;
  /** SHA-256 of the loaded model's weights. */
  fingerprintOf(loaded: Loaded): Promise<string>;
  encodePicture(pixels: PixelArray): Promise<Blob>;
  /** The memory of a run at its peak, with one example for all. Rejects where the run would. */
  planMemory(model: M, request: TrainingRequest, example: PromptExample): Promise<MemoryPlan>;
}

/** Makes trainers for the loaded model. */
export class TrainerFactory<M extends EngineModel> {
  readonly #parts: TrainerFactoryParts<M>;

  constructor(parts: TrainerFactoryParts<M>) {
    this.#parts = parts;
  }

  /** Finds out before a run is recorded whether its sources are there; throws as {@link TrainerFactory.make}. */
  async checkSources(loaded: Loaded<M>, plan: TrainingPlan): Promise<void> {
    const { source, adapterId } = plan;
    if (source.kind === 'dataset') checkRows(await this.#parts.datasets.rowSource(source.datasetId));
    await this.#evaluationRows(plan);
    if (adapterId === null) return;
    checkTrainable(await this.#parts.adapters.startOf(adapterId, loaded), loaded.model.model.config);
  }

  /**
   * The trainer, at the checkpoint if there is one.
   * @throws LookBackError `adapter/base` when the checkpoint or the adapter belongs to another model; DataError and
   *   StorageError for a dataset that is empty or gone; what the trainer's making throws
   */
  async make(
    loaded: Loaded<M>,
    plan: TrainingPlan,
    checkpoint: MadeCheckpoint | null,
    hooks: MakingHooks,
  ): Promise<MadeTrainer> {
    const fingerprint = await this.#parts.fingerprintOf(loaded);
    if (checkpoint !== null && checkpoint.extra.fingerprint !== fingerprint) {
      const message =
        'The checkpoint was trained on other weights of this model than those loaded: it cannot go on.';
      throw new LookBackError('adapter/base', message, { made: checkpoint.extra.fingerprint, fingerprint });
    }
    const request = await this.#request(loaded, plan, checkpoint);
    let leftOut: string | null = null;
    const onLeftOut: PreparingHooks['onLeftOut'] = (rows) => {
      leftOut = leftOutMessage(rows);
    };
    const trainer = await this.#parts.createTrainer(loaded.model, request, { ...hooks, onLeftOut });
    const base = this.#base(loaded, request, fingerprint);
    const notice: PlainError | null = leftOut === null ? null : { code: 'train/left-out', message: leftOut };
    return { trainer, base, notice, pictureOf: (key) => this.#picture(plan, key) };
  }

  /** What the lower layers need to know of a plan. */
  async #request(
    loaded: Loaded<M>,
    plan: TrainingPlan,
    checkpoint: MadeCheckpoint | null,
  ): Promise<TrainingRequest> {
    const { source } = plan;
    const start = await this.#start(loaded, plan, checkpoint);
    const whole = completePlan(plan);
    const common = { ...whole, heldOut: await this.#evaluationRows(plan), start, checkpoint };
    if (source.kind === 'shapes_world') return { ...common, source };
    const rows = await this.#parts.datasets.rowSource(source.datasetId);
    checkRows(rows);
    return { ...common, source: { kind: 'rows', rows } };
  }

  /** Another set to evaluate on; null where the plan has none. */
  async #evaluationRows(plan: TrainingPlan): Promise<RowSource | null> {
    const { evalDatasetId } = plan;
    if (evalDatasetId === null || !evaluatesHeldOut(readerOf(plan))) return null;
    const rows = await this.#parts.datasets.rowSource(evalDatasetId);
    checkRows(rows);
    return rows;
  }

  /** The adapter that a run continues: once there is a checkpoint, the copy in it, wherever the adapter is by then. */
  async #start(
    loaded: Loaded<M>,
    { adapterId }: TrainingPlan,
    checkpoint: MadeCheckpoint | null,
  ): Promise<AdapterStart | null> {
    if (adapterId === null) return null;
    if (checkpoint?.extra.start) return checkpoint.extra.start;
    const { config, weights } = await this.#parts.adapters.startOf(adapterId, loaded);
    return {
      config,
      weights: weights.map(({ module, a, b }) => ({ module, a: ownBytes(a), b: ownBytes(b) })),
    };
  }

  /** How a plan's memory is planned on the loaded model; throws as {@link TrainerFactory.make}. */
  async memoryPlanner(loaded: Loaded<M>, plan: TrainingPlan): Promise<MemoryPlanner> {
    const request = await this.#request(loaded, plan, null);
    const { model } = loaded;
    const first = await firstExample(request);
    const { prompt, imageTokens } = model.prepare({ ...first, mode: plan.mode });
    const example = { key: 0, prompt, imageTokens, question: first.text, expected: '', kind: 'row' };
    const { source } = request;
    return (changed) => {
      return this.#parts.planMemory(model, { ...request, ...completePlan(changed), source }, example);
    };
  }

  #base({ gpu, entry, model }: Loaded, request: TrainingRequest, fingerprint: string): CheckpointBase {
    const { config, precision } = model.model;
    const names =
      request.start?.weights.map(({ module }) => module) ??
      targetedModules(config, request.lora.targetModules);
    return {
      device: gpu.traits.description,
      profile: kernelTraits(gpu.traits),
      modelId: entry.id,
      fingerprint,
      precision,
      config: { ...loraConfigOf(request, entry.id), loraDropout: request.lora.loraDropout },
      modules: shapedModules(names, config),
      start: request.start,
    };
  }

  /** The world's picture or the row's own file behind an example. */
  async #picture({ source, seed }: TrainingPlan, key: number): Promise<Blob> {
    if (source.kind === 'dataset') return this.#parts.datasets.picture(source.datasetId, key);
    return this.#parts.encodePicture((await worldExample(source, seed, key)).image);
  }
}

/** A question of the built-in world with its picture. The world is fetched with the first run: most visits only ask. */
async function worldExample(source: Omit<TrainingQuestions, 'seed'>, seed: number, index: number) {
  const { trainingSample } = await import('../../data/world/split_questions');
  const sample = trainingSample({ ...source, seed }, index);
  const image: PixelArray = { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data: sample.image() };
  return { image, text: sample.text };
}

/** A question with its picture. */
interface FirstExample {
  readonly image: PixelArray;
  readonly text: string;
  readonly system?: string | null | undefined;
}

/** Stands for all examples of a plan. */
async function firstExample({ source, seed }: TrainingRequest): Promise<FirstExample> {
  if (source.kind === 'shapes_world') return worldExample(source, seed, 0);
  const { rows } = source;
  for (let position = 0; ; position++) {
    try {
      const { image, question, system } = await rows.read(position);
      return { image, text: question, system };
    } catch (error) {
      // A picture that cannot be used costs its own row only; without any, the last one's words say why.
      if (!(error instanceof DataError) || position + 1 >= rows.count) throw error;
    }
  }
}

function checkRows({ count }: RowSource): void {
  if (count === 0) throw new DataError('data/dataset-empty', 'The dataset has no rows: add some first.');
}
