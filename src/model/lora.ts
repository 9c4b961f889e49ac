// Keeps LoRA adapters over a frozen model: says which modules they may change, lays their tensors out in one arena, and
// applies one strength to all. Any linear layer can be adapted; trained are those of the text decoder. Files are read by
// peft_reader.ts and written by peft.ts.

import { alignUp, BINDING_ALIGNMENT } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { DROPOUT_DRAW_WORDS } from '../kernels/dropout';
import { ModelError } from '../lib/errors';
import { defined } from '../lib/invariant';
import type { Prng } from '../lib/prng';
import type { LoraModule } from '../tensor/ops/lora';
import { allocateTensor, writeTensor } from '../tensor/tensor_memory';
import { elementCount, externalTensor, type StoredTensor } from '../tensor/trace';
import type { ModelSpec } from './spec';
import { fusedModules } from './weight_fusion';
import { embeddingName, expectedShapes, LM_HEAD } from './weight_names';
import type { WeightSource } from './weights';

/** The settings of an adapter that decide what it computes. */
export interface LoraConfig {
  /** Rank of every module that `ranks` does not name. */
  readonly r: number;
  /** Alpha of every module that `alphas` does not name. */
  readonly loraAlpha: number;
  /** Ranks of single modules by canonical path (PEFT's rank_pattern, resolved). */
  readonly ranks?: Readonly<Record<string, number>>;
  /** Alphas of single modules by canonical path (PEFT's alpha_pattern, resolved). */
  readonly alphas?: Readonly<Record<string, number>>;
  readonly useRslora: boolean;
  readonly baseModel: string;
  /** A regular expression that names modules in full, or a list of last names. */
  readonly targetModules: string | readonly string[];
}

/** One adapted module on the host. */
export interface LoraWeights {
  /** Canonical module path, e.g. `model.language_model.layers.0.self_attn.q_proj`. */
  readonly module: string;
  /** [r, in] */
  readonly a: Float32Array;
  /** [out, r] */
  readonly b: Float32Array;
}

/** Rank of a module's factors. */
export function loraRank({ r, ranks }: Pick<LoraConfig, 'r' | 'ranks'>, module: string): number {
  return ranks?.[module] ?? r;
}

/** Of a module: alpha / r, or alpha / sqrt(r) with rank-stabilised LoRA (arXiv:2312.03732). */
export function loraScale(config: LoraConfig, module: string): number {
  const rank = loraRank(config, module);
  return (config.alphas?.[module] ?? config.loraAlpha) / (config.useRslora ? Math.sqrt(rank) : rank);
}

/**
 * Linear layers that an adapter may change, with the shapes of their weights, in checkpoint order: those of vision tower,
 * connector and text decoder. Embeddings, the output projection and the patch convolution are none.
 */
export function adaptableModules(spec: ModelSpec): Map<string, readonly [number, number]> {
  const { text, vision } = spec;
  const others = [embeddingName(text), LM_HEAD, `${vision.prefix}${vision.names.positions}.weight`];
  const modules = new Map<string, readonly [number, number]>();
  for (const [name, shape] of expectedShapes(spec)) {
    const [out, width] = shape;
    if (shape.length !== 2 || others.includes(name) || out === undefined || width === undefined) continue;
    modules.set(name.replace(/\.weight$/, ''), [out, width]);
  }
  return modules;
}

/** The modules of {@link adaptableModules} that training changes: those of the text decoder. */
export function trainableModules(spec: ModelSpec): Map<string, readonly [number, number]> {
  return new Map([...adaptableModules(spec)].filter(([module]) => module.startsWith(spec.text.prefix)));
}

/**
 * A new adapter as PEFT makes it: A uniform in ±1/√in, B zero, for every module whose whole name matches.
 * @param targets  expression over canonical names, or last names as in a list of PEFT's
 * @throws ModelError `model/adapter` when nothing matches
 * @source PEFT `lora/layer.py` reset_lora_parameters: kaiming_uniform with a = √5
 */
export function initialLoraWeights(
  model: ModelSpec,
  { r, targetModules }: Pick<LoraConfig, 'r' | 'targetModules'>,
  prng: Prng,
): LoraWeights[] {
  const shapes = trainableModules(model);
  return targetedModules(model, targetModules).map((module) => {
    const [out, width] = shapes.get(module) ?? [0, 0];
    const bound = width ** -0.5;
    const a = Float32Array.from({ length: r * width }, () => prng.uniform(-bound, bound));
    return { module, a, b: new Float32Array(out * r) };
  });
}

/**
 * Modules of the language model that targets name, in checkpoint order.
 * @throws ModelError `model/adapter` when there are none
 */
export function targetedModules(model: ModelSpec, targets: LoraConfig['targetModules']): string[] {
  const chosen = [...trainableModules(model).keys()].filter(targetMatcher(targets));
  if (chosen.length > 0) return chosen;
  const message = `target_modules ${JSON.stringify(targets)} matches no projection of the language model.`;
  throw new ModelError('model/adapter', message, { targets });
}

/** An adapted module with the shape of the weight that it adapts: [out, in]. */
export interface ShapedModule {
  readonly module: string;
  readonly shape: readonly [number, number];
}

/** Modules with their shapes. Throws ModelError `model/adapter` for a name that is none of the model's. */
export function shapedModules(names: readonly string[], model: ModelSpec): ShapedModule[] {
  const shapes = adaptableModules(model);
  return names.map((module) => {
    const shape = shapes.get(module);
    if (shape) return { module, shape };
    throw new ModelError('model/adapter', `${module} is no linear layer of this model.`, { module });
  });
}

/**
 * The matrices of an adapter's arena, e.g. a checkpoint's; needs no model.
 * @param modules those of the adapter, in its order
 * @throws ModelError `model/adapter` when the arena is of another layout
 */
export function loraWeightsOf(
  arena: Float32Array,
  config: Pick<LoraConfig, 'r' | 'ranks'>,
  modules: readonly ShapedModule[],
): LoraWeights[] {
  let at = 0;
  const take = (count: number): Float32Array => {
    const values = arena.slice(at, at + count);
    at += alignUp(4 * count, BINDING_ALIGNMENT) / 4;
    return values;
  };
  const weights = modules.map(({ module, shape: [out, width] }) => {
    const rank = loraRank(config, module);
    return { module, a: take(rank * width), b: take(out * rank) };
  });
  if (at === arena.length) return weights;
  const message = `The checkpoint holds ${arena.length} values; this adapter has ${at}: rank or targets differ.`;
  throw new ModelError('model/adapter', message);
}

function targetMatcher(targets: string | readonly string[]): (module: string) => boolean {
  if (typeof targets !== 'string')
    return (module) => targets.some((name) => module === name || module.endsWith(`.${name}`));
  try {
    const whole = new RegExp(`^(?:${targets})$`);
    return (module) => whole.test(module);
  } catch {
    throw new ModelError('model/adapter', `target_modules "${targets}" is not a regular expression.`);
  }
}

interface Slot {
  readonly module: string;
  readonly a: StoredTensor;
  readonly b: StoredTensor;
}

/** What masks are drawn from. */
interface DropoutState {
  readonly p: number;
  readonly draw: StoredTensor;
}

/** Tensors of an adapter, and the scope that owns their memory. */
interface AdapterMemory {
  readonly scope: GpuScope;
  readonly arena: StoredTensor;
  readonly slots: readonly Slot[];
  readonly strength: StoredTensor;
  /** Null for an adapter that never drops. */
  readonly dropout: DropoutState | null;
}

/** The tensor without a gradient. */
function frozen(tensor: StoredTensor): StoredTensor {
  return { ...tensor, requiresGrad: false };
}

/** Puts the matrices of all modules into one arena, each at a multiple of the alignment of bindings. */
function uploadModules(
  scope: GpuScope,
  config: LoraConfig,
  model: ModelSpec,
  weights: readonly LoraWeights[],
  trainable: boolean,
): Pick<AdapterMemory, 'arena' | 'slots'> {
  const names = weights.map(({ module }) => module);
  let bytes = 0;
  const place = (data: Float32Array): number => {
    const offset = bytes;
    bytes += alignUp(data.byteLength, BINDING_ALIGNMENT);
    return offset;
  };
  const places = shapedModules(names, model).map(({ module, shape }, index) => {
    const { a, b } = weights[index] as LoraWeights;
    return { module, shape, a, b, atA: place(a), atB: place(b) };
  });
  const arena = allocateTensor(scope, 'adapter', [bytes / 4], 'f32');
  const part = (name: string, shape: readonly number[], data: Float32Array, offset: number): StoredTensor => {
    if (data.length !== elementCount(shape)) {
      const message = `${name} of the adapter has ${data.length} values; this model takes [${shape.join(', ')}].`;
      throw new ModelError('model/adapter', message, { tensor: name });
    }
    writeTensor(scope.gpu, arena, data, offset / 4);
    const region = { buffer: arena.region.buffer, offset, bytes: data.byteLength };
    return externalTensor(name, shape, 'f32', region, trainable);
  };
  const slots = places.map(({ module, shape: [out, width], a, b, atA, atB }): Slot => {
    const r = loraRank(config, module);
    const own = { a: part(`${module}.A`, [r, width], a, atA), b: part(`${module}.B`, [out, r], b, atB) };
    return { module, ...own };
  });
  return { arena, slots };
}

/** An adapter on the device: A and B of all modules in one buffer, so that an optimiser step is one dispatch. */
export class LoraAdapter {
  readonly config: LoraConfig;
  /** f32 [count] over the whole arena; padding between tensors is zero and stays so. */
  readonly arena: StoredTensor;
  readonly #scope: GpuScope;
  readonly #slots: readonly Slot[];
  readonly #strength: StoredTensor;
  readonly #dropout: DropoutState | null;
  readonly #columns: ReadonlyMap<string, number>;
  readonly #adaptsVision: boolean;
  #strengthSet = Number.NaN;
  #strengths = 0;

  private constructor(config: LoraConfig, model: ModelSpec, memory: AdapterMemory) {
    this.config = config;
    this.arena = memory.arena;
    this.#scope = memory.scope;
    this.#dropout = memory.dropout;
    this.#slots = memory.slots;
    this.#strength = memory.strength;
    this.#columns = new Map([...adaptableModules(model)].map(([module, [out]]) => [module, out]));
    this.#adaptsVision = memory.slots.some(({ module }) => !module.startsWith(model.text.prefix));
  }

  /**
   * Uploads an adapter.
   * @param trainable gradients flow to its tensors
   * @param dropout   probability of dropping an input of A while training, from 0 to below 1; see {@link applyTo}
   */
  static create(
    gpu: GpuContext,
    config: LoraConfig,
    model: ModelSpec,
    weights: readonly LoraWeights[],
    trainable: boolean,
    dropout = 0,
  ): LoraAdapter {
    const memory = inScope(gpu, (scope) => {
      const made = uploadModules(scope, config, model, weights, trainable);
      const strength = allocateTensor(scope, 'adapter strength', [1], 'f32');
      if (!(dropout > 0)) return { scope, ...made, strength, dropout: null };
      const draw = allocateTensor(scope, 'adapter dropout', [DROPOUT_DRAW_WORDS], 'u32');
      return { scope, ...made, strength, dropout: { p: dropout, draw } };
    });
    const adapter = new LoraAdapter(config, model, memory);
    adapter.setStrength(1);
    return adapter;
  }

  /** How often the strength has changed. */
  get strengths(): number {
    return this.#strengths;
  }

  /** 0 switches the adapter off, 1 is full strength; takes effect with the next run, nothing is traced again. */
  setStrength(strength: number): void {
    if (strength === this.#strengthSet) return;
    this.#strengthSet = strength;
    this.#strengths++;
    writeTensor(this.#scope.gpu, this.#strength, Float32Array.of(strength));
  }

  /**
   * Chooses the masks of the runs from now on: equal numbers give equal masks. Nothing is traced again.
   * @param seed up to 2^53
   * @param step number of the update
   * @param part number of the micro-batch in the step
   */
  setDropoutSeed(seed: number, step: number, part: number): void {
    if (!this.#dropout) return;
    const words = Uint32Array.of(seed, Math.floor(seed / 2 ** 32), step, part);
    writeTensor(this.#scope.gpu, this.#dropout.draw, words);
  }

  /** The modules that it changes, in checkpoint order. */
  get modules(): readonly string[] {
    return this.#slots.map(({ module }) => module);
  }

  /** All tensors with their names, A before B, in checkpoint order. */
  tensors(): { readonly name: string; readonly tensor: StoredTensor }[] {
    return this.#slots.flatMap(({ module, a, b }) => [
      { name: `${module}.A`, tensor: a },
      { name: `${module}.B`, tensor: b },
    ]);
  }

  /** @throws ModelError `model/adapter` when an arena is not of this adapter's layout */
  checkArena(arena: Float32Array): void {
    const count = elementCount(this.arena.shape);
    if (arena.length === count) return;
    const message = `The checkpoint holds ${arena.length} values; this adapter has ${count}: rank or targets differ.`;
    throw new ModelError('model/adapter', message);
  }

  /**
   * A view of the model's weights with this adapter applied.
   * @param purpose `train` lets gradients reach a trainable adapter and drops inputs at its rate; `run`, to sample and
   *   to score, does neither
   */
  applyTo(weights: WeightSource, purpose: 'run' | 'train' = 'run'): WeightSource {
    return {
      cacheFormat: weights.cacheFormat,
      vector: (name) => weights.vector(name),
      matrix: (name) => weights.matrix(name),
      lora: (name) => this.#modulesOf(name, purpose === 'train'),
      revision: (part) => (part === 'vision' && !this.#adaptsVision ? 0 : this.#strengths),
    };
  }

  /** Frees the device memory. */
  destroy(): void {
    this.#scope.destroy();
  }

  /** Modules of a fused projection, with the columns each owns. */
  #modulesOf(weight: string, training: boolean): LoraModule[] {
    const base = weight.replace(/\.weight$/, '');
    let first = 0;
    const modules: LoraModule[] = [];
    for (const member of fusedModules(base)) {
      const stream = this.#slots.findIndex(({ module }) => module === member);
      const slot = this.#slots[stream];
      const drop = training && this.#dropout ? { dropout: { ...this.#dropout, stream } } : {};
      if (slot) {
        const [a, b] = training ? [slot.a, slot.b] : [frozen(slot.a), frozen(slot.b)];
        const scale = loraScale(this.config, member);
        modules.push({ a, b, scale, strength: this.#strength, arena: this.arena, first, ...drop });
      }
      first += defined(this.#columns.get(member), `the width of ${member}`);
    }
    return modules;
  }
}
