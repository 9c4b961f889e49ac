// Uploads a checkpoint's weights, each as an external tensor under its canonical name; projections that share an
// input are fused row-wise (qkv_proj, gate_up_proj). Matrices keep the stored format unless asked; vectors become
// f32. Either all weights load or none.

import { alignUp, BINDING_ALIGNMENT } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import type { DType } from '../gpu/kernel';
import { GpuError, ModelError } from '../lib/errors';
import { defined, itemAt } from '../lib/invariant';
import type { LoraModule } from '../tensor/ops/lora';
import { externalTensor, type StoredTensor, tensorBytes } from '../tensor/trace';
import type { Checkpoint } from './checkpoint';
import type { ModelConfig } from './config';
import { type Dtype, toFloat32 } from './safetensors';
import { checkTiedHead, checkWeights, EMBED_TOKENS, expectedShapes, LM_HEAD } from './weight_names';

/** Where traced model code gets its weights. */
export interface WeightSource {
  /** @throws ModelError `model/weights` for an unknown name */
  tensor(name: string): StoredTensor;
  /** Adapted modules of a (possibly fused) projection by its weight's name; none without an adapter. */
  lora?(name: string): readonly LoraModule[];
}

/** How matrices are kept on the device: as stored, or widened to f32. */
export type MatrixFormat = 'stored' | 'f32';

/** Options of a load. */
export interface WeightLoadOptions {
  readonly matrices?: MatrixFormat;
  readonly onProgress?: ((loadedBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Group {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Canonical names, stacked along the first axis. */
  readonly parts: readonly string[];
}

const UPLOAD_SLICE = 1 << 25;
const UPLOADS_PER_FENCE = 8;
const STORED: Readonly<Record<string, DType>> = { BF16: 'bf16', F16: 'f16', F32: 'f32' };
const FUSED: readonly (readonly [RegExp, readonly string[], string])[] = [
  [/\.self_attn\.([qkv])_proj\./, ['q_proj', 'k_proj', 'v_proj'], 'qkv_proj'],
  [/\.mlp\.(gate|up)_proj\./, ['gate_proj', 'up_proj'], 'gate_up_proj'],
];

/** Name of the fused tensor that contains `name`, with its parts in order; null when it stands alone. */
function fusion(name: string): { name: string; parts: string[] } | null {
  for (const [pattern, members, fused] of FUSED) {
    const member = members.find((part) => name.includes(`.${part}.`));
    if (!pattern.test(name) || !member) continue;
    return { name: name.replace(member, fused), parts: members.map((part) => name.replace(member, part)) };
  }
  return null;
}

/** Device weights of one model. */
export class ModelWeights implements WeightSource {
  readonly #scope: GpuScope;
  readonly #tensors = new Map<string, StoredTensor>();
  /** Bytes on the device. */
  bytes = 0;

  private constructor(scope: GpuScope) {
    this.#scope = scope;
  }

  /**
   * Checks names and shapes against the config, then uploads everything.
   * @throws ModelError `model/weights` naming unknown, missing, duplicate or misshapen tensors; GpuError `gpu/limit`
   */
  static async load(
    gpu: GpuContext,
    config: ModelConfig,
    checkpoint: Checkpoint,
    options: WeightLoadOptions = {},
  ): Promise<ModelWeights> {
    const map = checkWeights(config, checkpoint.tensors);
    if (map.redundantHead !== null) {
      const embedding = await checkpoint.read(defined(map.sources.get(EMBED_TOKENS), EMBED_TOKENS));
      checkTiedHead(await checkpoint.read(map.redundantHead), embedding);
    }
    const groups = groupWeights(config, checkpoint, map.sources, options.matrices ?? 'stored');
    const weights = await inScope(gpu, async (scope) => {
      const made = new ModelWeights(scope);
      made.#allocate(groups);
      await made.#upload(groups, checkpoint, map.sources, options);
      return made;
    });
    const embedding = weights.#tensors.get(EMBED_TOKENS);
    if (map.tied && embedding) weights.#tensors.set(LM_HEAD, embedding);
    return weights;
  }

  tensor(name: string): StoredTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor)
      throw new ModelError('model/weights', `The model has no weight named ${name}.`, { tensor: name });
    return tensor;
  }

  /** Number of elements over all weights. */
  get elements(): number {
    const distinct = new Map([...this.#tensors.values()].map((tensor) => [tensor.id, tensor]));
    return [...distinct.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  }

  /** Frees the device memory. */
  destroy(): void {
    this.#scope.destroy();
    this.#tensors.clear();
  }

  #allocate(groups: readonly Group[]): void {
    const { maxBindingBytes, maxBufferBytes } = this.#scope.gpu.traits;
    const limit = Math.min(maxBufferBytes, 1 << 30);
    let pending: { group: Group; offset: number }[] = [];
    let used = 0;
    const flush = (): void => {
      if (!pending.length) return;
      const { buffer } = this.#scope.storage(used, `weights ${pending[0]?.group.name}`);
      for (const { group, offset } of pending) {
        const region = { buffer, offset, bytes: alignUp(tensorBytes(group), 4) };
        this.#tensors.set(group.name, externalTensor(group.name, group.shape, group.dtype, region));
      }
      this.bytes += used;
      pending = [];
      used = 0;
    };
    for (const group of groups) {
      const bytes = alignUp(tensorBytes(group), BINDING_ALIGNMENT);
      if (bytes > maxBindingBytes) {
        const message = `${group.name} needs ${bytes} bytes in one binding; this device allows ${maxBindingBytes}. Pick a smaller model.`;
        throw new GpuError('gpu/limit', message, { tensor: group.name, need: bytes, have: maxBindingBytes });
      }
      if (used + bytes > limit) flush();
      pending.push({ group, offset: used });
      used += bytes;
    }
    flush();
  }

  async #upload(
    groups: readonly Group[],
    checkpoint: Checkpoint,
    sources: ReadonlyMap<string, string>,
    options: WeightLoadOptions,
  ): Promise<void> {
    const { gpu } = this.#scope;
    const total = groups.reduce((sum, group) => sum + tensorBytes(group), 0);
    let loaded = 0;
    let slices = 0;
    for (const group of groups) {
      const bytes = await readGroup(group, checkpoint, sources);
      const { region } = this.tensor(group.name);
      for (let at = 0; at < bytes.length; at += UPLOAD_SLICE) {
        options.signal?.throwIfAborted();
        const slice = bytes.subarray(at, Math.min(bytes.length, at + UPLOAD_SLICE));
        gpu.device.queue.writeBuffer(region.buffer, region.offset + at, slice);
        if (++slices % UPLOADS_PER_FENCE === 0) await gpu.fence();
      }
      loaded += tensorBytes(group);
      options.onProgress?.(loaded, total);
    }
    await gpu.fence();
  }
}

function groupWeights(
  config: ModelConfig,
  checkpoint: Checkpoint,
  sources: ReadonlyMap<string, string>,
  matrices: MatrixFormat,
): Group[] {
  const groups = new Map<string, Group>();
  const shapes = expectedShapes(config);
  for (const name of sources.keys()) {
    const fused = fusion(name) ?? { name, parts: [name] };
    if (groups.has(fused.name)) continue;
    const parts = fused.parts.map((part) => ({
      shape: defined(shapes.get(part), `the shape of ${part}`),
      stored: storedAs(checkpoint, sources, part),
    }));
    const rows = parts.reduce((sum, { shape }) => sum + itemAt(shape, 0), 0);
    const first = itemAt(parts, 0);
    const inner = first.shape.slice(1);
    const same = parts.every(({ stored }) => stored === first.stored);
    const wide = inner.length === 0 || matrices === 'f32' || !same;
    // The patch projection is stored as a 3-D convolution; as a matrix it has the column order of pixel_values.
    const shape = inner.length > 1 ? [rows, inner.reduce((a, b) => a * b, 1)] : [rows, ...inner];
    groups.set(fused.name, {
      name: fused.name,
      shape,
      dtype: wide ? 'f32' : (STORED[first.stored] ?? 'f32'),
      parts: fused.parts,
    });
  }
  return [...groups.values()];
}

/** Element type of a weight in the checkpoint, which was checked to hold it. */
function storedAs(checkpoint: Checkpoint, sources: ReadonlyMap<string, string>, part: string): Dtype {
  const name = defined(sources.get(part), part);
  return defined(checkpoint.tensors.get(name), name).dtype;
}

async function readGroup(
  group: Group,
  checkpoint: Checkpoint,
  sources: ReadonlyMap<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(alignUp(tensorBytes(group), 4));
  let at = 0;
  for (const part of group.parts) {
    const bytes = await checkpoint.read(defined(sources.get(part), part));
    const stored = storedAs(checkpoint, sources, part);
    const converted =
      group.dtype === 'f32' && stored !== 'F32' ? new Uint8Array(toFloat32(stored, bytes).buffer) : bytes;
    whole.set(converted, at);
    at += converted.length;
  }
  return whole;
}
