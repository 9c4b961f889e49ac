// Loads a checkpoint until it is ready to generate: reads the Hugging Face folder, checks it, uploads the weights,
// opens sessions. Prompts arrive as ids and pixel values; src/data makes them.

import type { GpuContext } from '../gpu/device';
import { ModelError } from '../lib/errors';
import { type Checkpoint, openCheckpoint } from './checkpoint';
import { parseModelConfig } from './config';
import { GenerationSession } from './generation_session';
import type { ModelOnDevice } from './prompt_program';
import type { ByteSource } from './safetensors';
import type { SessionOptions } from './session_state';
import type { ModelSpec } from './spec';
import { SMALL_ELEMENTS, type WeightPrecision } from './weight_layout';
import { ModelWeights } from './weights';

/** A model folder, wherever it lies. */
export interface ModelFiles {
  readonly name: string;
  /** Opens a file by its name in the folder; null when it is absent. */
  open(file: string): Promise<ByteSource | null>;
  /** SHA-256 of a file in hexadecimal where it was verified already; null where it is not known. */
  digest?(file: string): string | null;
  /** Says that nobody reads it any more; until then nobody deletes it. */
  close?(): void;
}

/** Options of {@link VisionLanguageModel.load}. */
export interface ModelLoadOptions {
  readonly onProgress?: ((loadedBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How weights are kept; by default large models are quantised, and small ones widened on software adapters, where unpacking costs more than memory. */
  readonly precision?: WeightPrecision | undefined;
}

/** Reads a JSON file of a model folder. */
export async function readModelJson(files: ModelFiles, file: string): Promise<unknown> {
  const source = await files.open(file);
  if (!source) throw new ModelError('model/files', `${files.name} has no ${file}.`, { file });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await source.read(0, source.size)));
  } catch (error) {
    throw new ModelError(
      'model/files',
      `${files.name}/${file} is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      { file },
    );
  }
}

/** A loaded model. */
export class VisionLanguageModel {
  readonly config: ModelSpec;
  readonly weights: ModelWeights;
  /** How the weights are kept. */
  readonly precision: WeightPrecision;
  readonly #device: ModelOnDevice;

  private constructor(gpu: GpuContext, config: ModelSpec, weights: ModelWeights, precision: WeightPrecision) {
    this.config = config;
    this.precision = precision;
    this.weights = weights;
    this.#device = { gpu, config, weights };
  }

  /**
   * Loads a folder.
   * @throws ModelError naming file, key or tensor; GpuError `gpu/limit`; the signal's reason when aborted
   */
  static async load(
    gpu: GpuContext,
    files: ModelFiles,
    options: ModelLoadOptions = {},
  ): Promise<VisionLanguageModel> {
    const config = parseModelConfig(await readModelJson(files, 'config.json'));
    options.signal?.throwIfAborted();
    const checkpoint = await openCheckpoint(files);
    const precision = options.precision ?? defaultPrecision(gpu, elementsOf(checkpoint));
    const weights = await ModelWeights.load(gpu, config, checkpoint, {
      precision,
      onProgress: options.onProgress,
      signal: options.signal,
    });
    return new VisionLanguageModel(gpu, config, weights, precision);
  }

  /** The parts that traces need; for tools and tests that build their own programs. */
  get device(): ModelOnDevice {
    return this.#device;
  }

  /** Elements of all weights. */
  get parameterCount(): number {
    return this.weights.elements;
  }

  /** Opens a session; the caller destroys it. */
  createSession(options: SessionOptions): Promise<GenerationSession> {
    return GenerationSession.create(this.#device, options);
  }

  /** Frees the weights; sessions must be destroyed before. */
  destroy(): void {
    this.weights.destroy();
  }
}

/** How a model of so many elements is kept where nobody chooses. */
export function defaultPrecision(gpu: Pick<GpuContext, 'traits'>, elements: number): WeightPrecision {
  if (elements >= SMALL_ELEMENTS) return 'int4';
  return gpu.traits.software ? 'f32' : 'stored';
}

function elementsOf({ tensors }: Checkpoint): number {
  let elements = 0;
  for (const { shape } of tensors.values()) elements += shape.reduce((a, b) => a * b, 1);
  return elements;
}
