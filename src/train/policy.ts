// Holds the model that a run trains: frozen weights, one adapter, its gradient and moments, and programs by size.
// What to score and with which weights is passed in, one call at a time. Only `update` and `restore` change
// parameters, so an aborted pass leaves the last step's state.

import type { GpuContext } from '../gpu/device';
import { type GpuScope, inScope, type Owned } from '../gpu/gpu_scope';
import { ReadbackRing } from '../gpu/readback_ring';
import { packAdamw } from '../kernels/adamw';
import { elementwise } from '../kernels/elementwise';
import { InvariantError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { bucketSize } from '../model/buckets';
import type { ImageEncoder } from '../model/image_encoder';
import { LoraAdapter, type LoraConfig, type LoraWeights } from '../model/lora';
import { type AppliedAdapter, MergedAdapter } from '../model/merged_adapter';
import type { ModelOnDevice } from '../model/prompt_program';
import type { OptimSettings } from '../settings/train_settings';
import { Program } from '../tensor/program';
import { allocateTensor, readTensor, writeTensor } from '../tensor/tensor_memory';
import { elementCount, type StoredTensor, type Tensor } from '../tensor/trace';
import { type CompletionGroup, type PackedCompletions, packCompletions } from './packing';
import { inputsOf, type Loss, type Objective, objectiveOf } from './policy_loss';
import {
  buildTrainProgram,
  buildUpdateProgram,
  createOptimizerState,
  type OptimizerState,
} from './train_program';
import type { StepHooks, TrainerCheckpoint } from './trainer';

/** Options of a policy that stay for the run. */
export interface PolicyOptions {
  readonly gradientCheckpointing: boolean;
  /** 0 never clips. */
  readonly maxGradNorm: number;
  /** Logits are divided by it. */
  readonly temperature: number;
  /** Dropout of the adapter in `accumulate`, and the seed of its masks; absent for none. */
  readonly dropout?: { readonly p: number; readonly seed: number };
  /** Bytes of activations up to which programs of other sizes are kept; for tests. */
  readonly keptBytes?: number;
}

/** Per supervised token, in the order of groups, completions and tokens. */
export interface TokenScores {
  readonly logp: Float32Array;
  readonly entropy: Float32Array;
  /** Most probable id. */
  readonly argmax: Uint32Array;
  /** [R, 4] loss, ratio, k3, clip side; empty without a GRPO objective. */
  readonly terms: Float32Array;
}

/** One micro-batch and the sizes that it is padded to. */
export interface MicroBatch {
  readonly groups: readonly CompletionGroup[];
  readonly packed: PackedCompletions;
}

/** What an update did. */
export interface UpdateResult {
  readonly gradNorm: number;
  /** False when a gradient was not finite: nothing changed. */
  readonly finite: boolean;
}

interface Built extends Owned {
  readonly program: Program;
  readonly ring: ReadbackRing;
  readonly rows: number;
}

/** What a policy is made of; the scope owns all of it. */
interface PolicyParts {
  readonly scope: GpuScope;
  readonly adapter: LoraAdapter;
  /** The adapter in the weights; null where it stays apart. */
  readonly merged: MergedAdapter | null;
  readonly state: OptimizerState;
  /** Gradient of one micro-batch. */
  readonly micro: StoredTensor;
  readonly update: Program;
  readonly accumulate: Program;
  readonly clear: Program;
  readonly clipRing: ReadbackRing;
}

const TOKEN_UNIT = 64;
/** Programs kept whatever they hold: making one again in every step would cost more than the step. */
const KEPT_AT_LEAST = 6;
/** More are kept while their activations stay below this: sizes and objectives of small models. */
const KEPT_BYTES = 2 ** 28;
const KEPT_AT_MOST = 48;

/** A trainable policy, and frozen ones for reference. */
export class LoraPolicy {
  readonly adapter: LoraAdapter;
  readonly #model: ModelOnDevice;
  readonly #images: ImageEncoder;
  readonly #options: PolicyOptions;
  readonly #parts: PolicyParts;
  readonly #built = new Map<string, Built>();
  /** Programs read the adapter that they were built for. */
  readonly #numbers = new Map<LoraAdapter, number>();
  /** Micro-batches accumulated for the next update. */
  #accumulated = 0;

  private constructor(
    model: ModelOnDevice,
    images: ImageEncoder,
    options: PolicyOptions,
    parts: PolicyParts,
  ) {
    this.adapter = parts.adapter;
    this.#model = model;
    this.#images = images;
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Uploads an adapter with zeroed moments.
   * @throws GpuError when memory or limits do not suffice
   */
  static create(
    model: ModelOnDevice,
    images: ImageEncoder,
    lora: LoraConfig,
    weights: readonly LoraWeights[],
    options: PolicyOptions,
  ): Promise<LoraPolicy> {
    const { gpu } = model;
    return inScope(gpu, async (scope) => {
      const adapter = scope.own(
        LoraAdapter.create(gpu, lora, model.config, weights, true, options.dropout?.p),
      );
      const parts = await createParts(scope, model, adapter, options);
      return new LoraPolicy(model, images, options, parts);
    });
  }

  /** The adapter as samplers are to apply it: what they trace follows every update. */
  get applied(): AppliedAdapter {
    return this.#parts.merged ?? this.adapter;
  }

  get gpu(): GpuContext {
    return this.#model.gpu;
  }

  /** Values of the adapter's arena. */
  get parameterCount(): number {
    return this.adapter.tensors().reduce((sum, { tensor: { shape } }) => sum + elementCount(shape), 0);
  }

  /** Bytes of activations of the programs built so far. */
  get plannedBytes(): number {
    return [...this.#built.values()].reduce((sum, { program }) => sum + program.stats.plannedBytes, 0);
  }

  /**
   * Cuts groups into micro-batches of at most `tokensPerMicroBatch` packed tokens, or of the largest group's where that
   * has more, as even as the groups allow.
   * @throws ArgumentError for a group without completions
   */
  microBatches(groups: readonly CompletionGroup[], tokensPerMicroBatch: number): MicroBatch[] {
    const { config } = this.#model;
    const sizes = groups.map((group) => packCompletions([group], config).tokens);
    return evenParts(sizes, tokensPerMicroBatch)
      .map((part) => part.map((index) => itemAt(groups, index)))
      .map((part) => ({ groups: part, packed: packCompletions(part, config) }));
  }

  /** Log-probabilities of completions under the adapter at a strength, or under another, frozen adapter. */
  async score(batch: MicroBatch, hooks: StepHooks = {}, frozen?: LoraAdapter): Promise<TokenScores> {
    return this.#run(batch, null, hooks, frozen);
  }

  /**
   * Forward and backward of one micro-batch; its gradient is added to those since the last `update` or `discard`.
   * @param step number of the update that it is for, from 1: masks of dropout follow from it
   */
  async accumulate(batch: MicroBatch, loss: Loss, step: number, hooks: StepHooks = {}): Promise<TokenScores> {
    const part = this.#accumulated++;
    this.adapter.setDropoutSeed(this.#options.dropout?.seed ?? 0, step, part);
    const scores = await this.#run(batch, loss, hooks);
    this.#parts.accumulate.submit();
    return scores;
  }

  /** Forgets gradients that were accumulated for a step that will not happen. */
  discard(): void {
    this.#accumulated = 0;
    this.#parts.clear.submit();
  }

  /** Clips and applies what was accumulated: one AdamW step, numbered from 1. */
  async update(optim: OptimSettings, lr: number, step: number): Promise<UpdateResult> {
    const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: eps, weightDecay } = optim;
    const { update, clear, clipRing } = this.#parts;
    update.write('hparams', packAdamw({ lr, beta1, beta2, eps, weightDecay, step }));
    const slot = clipRing.acquire();
    update.submit((encoder) => slot.copy(encoder, [update.region('clip')]));
    clear.submit();
    this.#parts.merged?.refresh();
    this.#accumulated = 0;
    const [, gradNorm = Number.NaN, skipped = 1] = new Float32Array(await slot.take());
    return { gradNorm, finite: skipped === 0 };
  }

  /** Adapter and moments on the host. */
  async checkpoint(step: number): Promise<TrainerCheckpoint> {
    const { state } = this.#parts;
    const read = (tensor: StoredTensor) => readTensor(this.gpu, tensor);
    return { step, adapter: await read(this.adapter.arena), m: await read(state.m), v: await read(state.v) };
  }

  /** Puts a checkpoint of the same adapter shape on the device. Throws ModelError when it does not fit. */
  restore({ adapter, m, v }: TrainerCheckpoint): void {
    const { state } = this.#parts;
    const pairs: [StoredTensor, Float32Array][] = [
      [this.adapter.arena, adapter],
      [state.m, m],
      [state.v, v],
    ];
    for (const [, data] of pairs) this.adapter.checkArena(data);
    for (const [tensor, data] of pairs) writeTensor(this.gpu, tensor, data);
    this.#parts.merged?.refresh();
  }

  /** Frees everything but the model and the images. */
  destroy(): void {
    this.#parts.scope.destroy();
    this.#built.clear();
  }

  async #run(
    { groups, packed }: MicroBatch,
    loss: Loss | null,
    { signal, turn }: StepHooks,
    frozen?: LoraAdapter,
  ): Promise<TokenScores> {
    const images = await this.#images.encode(
      groups.flatMap(({ prompt }) => prompt.images),
      signal,
    );
    const tokens = bucketSize(packed.tokens, TOKEN_UNIT);
    const rows = bucketSize(packed.rows, TOKEN_UNIT);
    const objective = objectiveOf(loss);
    const withTerms = objective.objective === 'grpo';
    const key = [
      ...Object.values(objective),
      tokens,
      rows,
      images?.rows ?? 0,
      this.#numberOf(frozen ?? this.adapter),
    ].join();
    const adapter = frozen ?? this.adapter;
    const { program, ring } = await this.#build(key, { tokens, rows }, objective, images?.features, adapter);
    this.#parts.merged?.followStrength();
    for (const [name, data] of Object.entries(packed.inputs(tokens, rows)))
      if (program.hasInput(name)) program.write(name, data);
    for (const [name, data] of Object.entries(inputsOf(loss)))
      program.write(name, name === 'grpo_settings' ? data : padded(name, data, rows));
    await turn?.();
    const slot = ring.acquire();
    try {
      await program.run(signal, (encoder) => {
        const names = ['logp', 'entropy', 'argmax', ...(withTerms ? ['grpo_terms'] : [])];
        slot.copy(
          encoder,
          names.map((name) => program.region(name)),
        );
      });
    } catch (error) {
      slot.release();
      throw error;
    }
    return readScores(await slot.take(), rows, packed.rows, withTerms);
  }

  #numberOf(adapter: LoraAdapter): number {
    const number = this.#numbers.get(adapter) ?? this.#numbers.size;
    this.#numbers.set(adapter, number);
    return number;
  }

  async #build(
    key: string,
    shape: { tokens: number; rows: number },
    objective: Objective,
    features: Tensor | undefined,
    adapter: LoraAdapter,
  ): Promise<Built> {
    const found = this.#built.get(key);
    if (found) {
      // The newest use comes last.
      this.#built.delete(key);
      this.#built.set(key, found);
      return found;
    }
    this.#makeRoom();
    const { temperature, gradientCheckpointing: checkpointLayers } = this.#options;
    // Where memory is no concern, keys and checkpoints are kept exactly.
    const checkpointFormat = this.#model.weights.cacheFormat === 'f16' ? 'bf16' : 'f32';
    const options = { ...objective, temperature, checkpointLayers, checkpointFormat } as const;
    const state = { gradient: this.#parts.micro };
    const built = await inScope(this.gpu, async (scope): Promise<Built> => {
      const applied = adapter === this.adapter ? this.applied : adapter;
      const compiled = buildTrainProgram(this.#model, applied, state, shape, features, options);
      const program = scope.own(await compiled);
      const ring = scope.own(new ReadbackRing(this.gpu, 28 * shape.rows, 2, 'scores'));
      return { program, ring, rows: shape.rows, destroy: () => scope.destroy() };
    });
    this.#parts.scope.own(built);
    this.#built.set(key, built);
    return built;
  }

  /** Drops the programs that were used longest ago. */
  #makeRoom(): void {
    const { keptBytes = KEPT_BYTES } = this.#options;
    for (const [key, built] of this.#built) {
      const { size } = this.#built;
      if (size < KEPT_AT_LEAST || (size < KEPT_AT_MOST && this.plannedBytes < keptBytes)) return;
      this.#parts.scope.free(built);
      this.#built.delete(key);
    }
  }
}

/** Gradients, moments and the programs that do not depend on a batch's size. */
async function createParts(
  scope: GpuScope,
  model: ModelOnDevice,
  adapter: LoraAdapter,
  { maxGradNorm }: PolicyOptions,
): Promise<PolicyParts> {
  const { gpu } = scope;
  const state = scope.own(createOptimizerState(gpu, adapter));
  const merged = await MergedAdapter.create(gpu, model.weights, adapter);
  if (merged) scope.own(merged);
  const { shape } = adapter.arena;
  const micro = allocateTensor(scope, 'micro-batch gradient', shape, 'f32');
  const count = elementCount(shape);
  const accumulate = await Program.compile(gpu, 'accumulate', (trace) => {
    trace.emit(elementwise({ kind: 'axpy', count }, trace.traits), [micro, state.gradient]);
  });
  scope.own(accumulate);
  const clear = await Program.compile(gpu, 'clear gradient', (trace) => {
    trace.emit(elementwise({ kind: 'fill', count, scale: 0 }, trace.traits), [state.gradient]);
  });
  scope.own(clear);
  const update = scope.own(await buildUpdateProgram(gpu, adapter, state, maxGradNorm));
  const clipRing = scope.own(new ReadbackRing(gpu, 16, 2, 'clip'));
  return { scope, adapter, merged, state, micro, update, accumulate, clear, clipRing };
}

/**
 * Runs of neighbours whose sizes together are at most `most`, or the largest size; the fewest even parts that are.
 * @returns indices, no run empty
 */
function evenParts(sizes: readonly number[], most: number): number[][] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const limit = Math.max(most, ...sizes);
  for (let bins = Math.max(1, Math.ceil(total / limit)); ; bins++) {
    const parts: number[][] = Array.from({ length: bins }, () => []);
    let before = 0;
    sizes.forEach((size, index) => {
      parts[Math.min(bins - 1, Math.floor(((before + size / 2) * bins) / total))]?.push(index);
      before += size;
    });
    const tokens = (part: readonly number[]): number => part.reduce((sum, at) => sum + itemAt(sizes, at), 0);
    // As many parts as it takes for the smallest size to have one of its own are always enough.
    if (parts.every((part) => part.length < 2 || tokens(part) <= limit))
      return parts.filter(({ length }) => length > 0);
  }
}

/** Zeros after the live rows. */
function padded(name: string, data: Float32Array, rows: number): Float32Array {
  if (data.length === rows) return data;
  if (data.length > rows) throw new InvariantError(`${name} has ${data.length} values for ${rows} rows.`);
  const whole = new Float32Array(rows);
  whole.set(data);
  return whole;
}

function readScores(bytes: ArrayBuffer, rows: number, live: number, terms: boolean): TokenScores {
  return {
    logp: new Float32Array(bytes, 0, live),
    entropy: new Float32Array(bytes, 4 * rows, live),
    argmax: new Uint32Array(bytes, 8 * rows, live),
    terms: terms ? new Float32Array(bytes, 12 * rows, 4 * live) : new Float32Array(0),
  };
}
