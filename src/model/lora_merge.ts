// Merges an adapter into its base model's weights, W' = W + scale · B A, matrix by matrix on the host. A merged
// tensor keeps name, dtype and shape, so it fits in place of the old one; every module of the adapter is merged, or
// the merge fails.

import { ModelError } from '../lib/errors';
import { f32ToBf16, f32ToF16 } from '../lib/float_bits';
import type { Checkpoint } from './checkpoint';
import { type LoraConfig, type LoraWeights, loraRank, loraScale } from './lora';
import { type Dtype, type TensorEntry, toFloat32 } from './safetensors';
import type { ModelSpec } from './spec';
import { canonicalName } from './weight_names';

/** A matrix after the merge. */
export interface MergedTensor {
  /** As on disk. */
  readonly name: string;
  /** File of the checkpoint that holds it. */
  readonly file: string;
  /** Where it lies in that file, and what it is: unchanged. */
  readonly entry: TensorEntry;
  /** Little-endian, in the entry's dtype. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** W += scale · B A with sums in f64, rounded once to f32. */
function addProduct(w: Float32Array, { a, b }: LoraWeights, r: number, scale: number): void {
  const width = a.length / r;
  const delta = new Float64Array(width);
  for (let row = 0; row * width < w.length; row++) {
    delta.fill(0);
    for (let k = 0; k < r; k++) {
      const factor = b[row * r + k] as number;
      if (factor === 0) continue;
      for (let column = 0; column < width; column++)
        delta[column] = (delta[column] as number) + factor * (a[k * width + column] as number);
    }
    const first = row * width;
    for (let column = 0; column < width; column++)
      w[first + column] = (w[first + column] as number) + scale * (delta[column] as number);
  }
}

function stored(dtype: Dtype, values: Float32Array): Uint8Array<ArrayBuffer> {
  const bits = dtype === 'BF16' ? f32ToBf16(values) : dtype === 'F16' ? f32ToF16(values) : values;
  return new Uint8Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.byteLength);
}

function isFiniteIn(dtype: Dtype, bytes: Uint8Array<ArrayBuffer>): boolean {
  return toFloat32(dtype, bytes).every(Number.isFinite);
}

/**
 * The matrices that an adapter changes, one after another in the adapter's order; all others of the checkpoint stay as
 * they are. Sums are in f64, rounded to f32 and then to the stored dtype, to nearest: a bf16 weight moves in steps of 2^-8
 * to 2^-7 of itself, smaller updates are lost, and so the merged model is not quite base plus adapter.
 * @param adapter  read for this model, so that shapes fit
 * @param strength factor beside the adapter's scale, as its slider has
 * @throws ModelError `model/adapter` when the checkpoint lacks a module's weight, it has another size, or a value overflows its dtype
 * @source Hu et al. 2021, arXiv:2106.09685, section 4.1; PEFT `merge_and_unload`
 */
export async function* mergeLora(
  checkpoint: Checkpoint,
  model: Pick<ModelSpec, 'storedPrefixes'>,
  adapter: { readonly config: LoraConfig; readonly weights: readonly LoraWeights[] },
  strength = 1,
): AsyncGenerator<MergedTensor> {
  const names = new Map([...checkpoint.tensors.keys()].map((name) => [canonicalName(name, model), name]));
  const places = adapter.weights.map((module) => {
    const name = names.get(`${module.module}.weight`);
    const entry = name === undefined ? undefined : checkpoint.tensors.get(name);
    if (name === undefined || !entry) {
      const message = `The model has no weight of ${module.module}, which the adapter changes: it belongs to another model.`;
      throw new ModelError('model/adapter', message, { module: module.module });
    }
    checkSize(name, entry, module, loraRank(adapter.config, module.module));
    return { module, name, entry };
  });
  for (const { module, name, entry } of places) {
    const values = toFloat32(entry.dtype, await checkpoint.read(name));
    const scale = loraScale(adapter.config, module.module) * strength;
    addProduct(values, module, loraRank(adapter.config, module.module), scale);
    const bytes = stored(entry.dtype, values);
    if (!isFiniteIn(entry.dtype, bytes)) {
      const message = `Merging ${name} gives values that ${entry.dtype} cannot hold; the adapter or its strength is too large.`;
      throw new ModelError('model/adapter', message, { tensor: name });
    }
    yield { name, file: checkpoint.fileOf(name), entry, bytes };
  }
}

function checkSize(name: string, entry: TensorEntry, { a, b }: LoraWeights, r: number): void {
  const [out, width] = entry.shape;
  const matrix = entry.shape.length === 2 && out !== undefined && width !== undefined;
  if (matrix && b.length === out * r && a.length === r * width) return;
  const message = `${name} is [${entry.shape.join(', ')}]; the adapter's factors are [${r}, ${a.length / r}] and [${b.length / r}, ${r}].`;
  throw new ModelError('model/adapter', message, { tensor: name });
}
