// Keeps LoRA adapters over a frozen model: reads and writes PEFT's files, lays trainable tensors out in one arena,
// applies one strength to all. An adapter either fits its model wholly, every tensor matched, or is refused by name.

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
import { asksForMore } from './peft_options';
import { type SafetensorsFile, toFloat32 } from './safetensors';
import type { ModelSpec } from './spec';
import { fusedModules } from './weight_fusion';
import { canonicalAdapterName, expectedShapes } from './weight_names';
import type { WeightSource } from './weights';

/** What this engine understands of adapter_config.json. */
export interface LoraConfig {
  readonly r: number;
  readonly loraAlpha: number;
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

/**
 * Reads adapter_config.json.
 * @throws ModelError `model/adapter` naming the key that is missing or asks for something else than plain LoRA
 */
export function parseLoraConfig(json: unknown): LoraConfig {
  const fail = (key: string, reason: string): never => {
    throw new ModelError('model/adapter', `adapter_config.json: ${key} ${reason}.`, { key });
  };
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return fail('(file)', 'is not an object');
  const config = json as Record<string, unknown>;
  if (config.peft_type !== 'LORA') fail('peft_type', 'must be "LORA"');
  const asked = asksForMore(config);
  if (asked) fail(asked.key, asked.reason);
  const { r, lora_alpha: loraAlpha, target_modules: targets } = config;
  if (typeof r !== 'number' || !Number.isInteger(r) || r < 1 || r > 1024)
    return fail('r', 'must be a whole number from 1 to 1024');
  if (typeof loraAlpha !== 'number' || !Number.isFinite(loraAlpha))
    return fail('lora_alpha', 'must be a number');
  const list = Array.isArray(targets) && targets.every((name) => typeof name === 'string');
  if (typeof targets !== 'string' && !list)
    return fail('target_modules', 'must be a regular expression or a list of names');
  return {
    r,
    loraAlpha,
    useRslora: config.use_rslora === true,
    baseModel: typeof config.base_model_name_or_path === 'string' ? config.base_model_name_or_path : '',
    targetModules: targets as string | string[],
  };
}

/** alpha / r, or alpha / sqrt(r) with rank-stabilised LoRA (arXiv:2312.03732). */
export function loraScale(config: Pick<LoraConfig, 'r' | 'loraAlpha' | 'useRslora'>): number {
  return config.loraAlpha / (config.useRslora ? Math.sqrt(config.r) : config.r);
}

/** Modules of the language model that an adapter may train, with the shapes of their weights, in checkpoint order. */
export function adaptableModules(config: ModelSpec): Map<string, readonly [number, number]> {
  const { prefix } = config.text;
  const projection = /^layers\.\d+\.(?:self_attn|mlp)\.(?:q|k|v|o|gate|up|down)_proj\.weight$/;
  const modules = new Map<string, readonly [number, number]>();
  for (const [name, shape] of expectedShapes(config)) {
    const [out, width] = shape;
    if (!name.startsWith(prefix) || !projection.test(name.slice(prefix.length))) continue;
    if (out !== undefined && width !== undefined) modules.set(name.replace(/\.weight$/, ''), [out, width]);
  }
  return modules;
}

/**
 * Reads adapter_model.safetensors, either key style.
 * @throws ModelError `model/adapter` naming tensors that are unknown, missing, duplicate, misshapen or not finite
 */
export async function readLoraWeights(
  file: SafetensorsFile,
  config: LoraConfig,
  model: ModelSpec,
): Promise<LoraWeights[]> {
  const modules = adaptableModules(model);
  const found = new Map<string, { A?: Float32Array; B?: Float32Array }>();
  const fail = (name: string, reason: string): never => {
    throw new ModelError('model/adapter', `${file.name}: tensor "${name}" ${reason}.`, { tensor: name });
  };
  for (const [name, { shape, dtype }] of file.tensors) {
    const parsed = canonicalAdapterName(name, model);
    const target = parsed && modules.get(parsed.module);
    if (!parsed || !target) return fail(name, 'belongs to no projection of this language model');
    const want = parsed.factor === 'A' ? [config.r, target[1]] : [target[0], config.r];
    if (shape.join() !== want.join()) fail(name, `is [${shape.join(', ')}], expected [${want.join(', ')}]`);
    const pair = found.get(parsed.module) ?? {};
    if (pair[parsed.factor]) fail(name, 'is there under two names');
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
      fail(name, `has the type ${dtype}; adapters are read as F32, F16 or BF16: save it as one of these`);
    const values = toFloat32(dtype, await file.read(name));
    if (!values.every(Number.isFinite)) fail(name, 'holds values that are not finite (NaN or infinite)');
    pair[parsed.factor] = values;
    found.set(parsed.module, pair);
  }
  if (found.size === 0) throw new ModelError('model/adapter', `${file.name} holds no LoRA tensors.`);
  return [...modules.keys()].flatMap((module) => {
    const pair = found.get(module);
    if (!pair) return [];
    const { A: a, B: b } = pair;
    if (!a || !b) return fail(module, `lacks its lora_${a ? 'B' : 'A'}`);
    return [{ module, a, b }];
  });
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
  const shapes = adaptableModules(model);
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
  const chosen = [...adaptableModules(model).keys()].filter(targetMatcher(targets));
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
    throw new ModelError('model/adapter', `${module} is no projection of this language model.`, { module });
  });
}

/**
 * The matrices of an adapter's arena, e.g. a checkpoint's; needs no model.
 * @param modules those of the adapter, in its order
 * @throws ModelError `model/adapter` when the arena is of another layout
 */
export function loraWeightsOf(
  arena: Float32Array,
  r: number,
  modules: readonly ShapedModule[],
): LoraWeights[] {
  let at = 0;
  const take = (count: number): Float32Array => {
    const values = arena.slice(at, at + count);
    at += alignUp(4 * count, BINDING_ALIGNMENT) / 4;
    return values;
  };
  const weights = modules.map(({ module, shape: [out, width] }) => ({
    module,
    a: take(r * width),
    b: take(out * r),
  }));
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
  { r }: LoraConfig,
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
      const message = `${name} of the adapter has ${data.length} values; this model's rank ${r} takes [${shape.join(', ')}].`;
      throw new ModelError('model/adapter', message, { tensor: name });
    }
    writeTensor(scope.gpu, arena, data, offset / 4);
    const region = { buffer: arena.region.buffer, offset, bytes: data.byteLength };
    return externalTensor(name, shape, 'f32', region, trainable);
  };
  const slots = places.map(({ module, shape: [out, width], a, b, atA, atB }): Slot => {
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

  private constructor(config: LoraConfig, model: ModelSpec, memory: AdapterMemory) {
    this.config = config;
    this.arena = memory.arena;
    this.#scope = memory.scope;
    this.#dropout = memory.dropout;
    this.#slots = memory.slots;
    this.#strength = memory.strength;
    this.#columns = new Map([...adaptableModules(model)].map(([module, [out]]) => [module, out]));
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

  /** 0 switches the adapter off, 1 is full strength; takes effect with the next run, nothing is traced again. */
  setStrength(strength: number): void {
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
    const scale = loraScale(this.config);
    return {
      vector: (name) => weights.vector(name),
      matrix: (name) => weights.matrix(name),
      lora: (name) => this.#modulesOf(name, scale, purpose === 'train'),
    };
  }

  /** Frees the device memory. */
  destroy(): void {
    this.#scope.destroy();
  }

  /** Modules of a fused projection, with the columns each owns. */
  #modulesOf(weight: string, scale: number, training: boolean): LoraModule[] {
    const base = weight.replace(/\.weight$/, '');
    let first = 0;
    const modules: LoraModule[] = [];
    for (const member of fusedModules(base)) {
      const stream = this.#slots.findIndex(({ module }) => module === member);
      const slot = this.#slots[stream];
      const drop = training && this.#dropout ? { dropout: { ...this.#dropout, stream } } : {};
      if (slot) {
        const [a, b] = training ? [slot.a, slot.b] : [frozen(slot.a), frozen(slot.b)];
        modules.push({ a, b, scale, strength: this.#strength, first, ...drop });
      }
      first += defined(this.#columns.get(member), `the width of ${member}`);
    }
    return modules;
  }
}
