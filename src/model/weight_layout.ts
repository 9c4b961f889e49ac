// Decides how a checkpoint's tensors lie on the device: which are fused row-wise because they share an input
// (qkv_proj, gate_up_proj), which part of the model each serves, and in which format it is kept. Pure data.

import type { CacheFormat } from '../kernels/cache_shape';
import type { WeightFormat } from '../kernels/weight_format';
import { defined, itemAt } from '../lib/invariant';
import type { Dtype } from './safetensors';
import type { ModelSpec } from './spec';
import { fusionOf } from './weight_fusion';
import { embeddingName, expectedShapes, LM_HEAD, type WeightEntry } from './weight_names';

/**
 * What a weight serves: a norm, bias or table of positions; the vocabulary's matrices; vision tower and connector; the
 * language model.
 */
export type WeightRole = 'vector' | 'vocabulary' | 'vision' | 'text';

/** How a model is kept on the device: as its files are, or in a chosen format by role. */
export type WeightPrecision = 'stored' | keyof typeof FORMATS;

/**
 * Formats by role. The vocabulary's matrices and the vision tower lose more by four bits than the language model does,
 * and are a small part of a large model.
 */
const FORMATS = {
  f32: { vector: 'f32', vocabulary: 'f32', vision: 'f32', text: 'f32' },
  bf16: { vector: 'f32', vocabulary: 'bf16', vision: 'bf16', text: 'bf16' },
  int8: { vector: 'f32', vocabulary: 'int8', vision: 'int8', text: 'int8' },
  int4: { vector: 'f32', vocabulary: 'int8', vision: 'int8', text: 'int4' },
} as const satisfies Readonly<Record<string, Readonly<Record<WeightRole, WeightFormat>>>>;

/** Models of fewer values are small: memory is no concern. */
export const SMALL_ELEMENTS = 1 << 25;

/**
 * How a model's cache keeps keys and values. f16 halves the memory, and its 11 bits round a key less than bf16, of 8 bits,
 * rounds the weights that it comes of. Small models are kept exactly, as goldens, recorded answers and parity want them, and so
 * is any in f32.
 * @param elements of all weights
 */
export function cacheFormatOf(precision: WeightPrecision, elements: number): CacheFormat {
  return elements < SMALL_ELEMENTS || precision === 'f32' ? 'f32' : 'f16';
}

/** Every precision that can be asked for. */
export const WEIGHT_PRECISIONS: readonly WeightPrecision[] = ['stored', 'f32', 'bf16', 'int8', 'int4'];

/** Part of a fused weight: one tensor of the checkpoint. */
export interface WeightPart {
  /** Name on disk. */
  readonly source: string;
  readonly dtype: Dtype;
  /** Rows of the whole weight that it fills, in order. */
  readonly rows: number;
}

/** One weight of the device. */
export interface WeightGroup {
  /** Canonical name, e.g. `…self_attn.qkv_proj.weight`. */
  readonly name: string;
  /** [rows] or [rows, columns]. */
  readonly shape: readonly [number] | readonly [number, number];
  readonly role: WeightRole;
  readonly format: WeightFormat;
  readonly parts: readonly WeightPart[];
}

const STORED: Readonly<Partial<Record<Dtype, WeightFormat>>> = { BF16: 'bf16', F16: 'f16', F32: 'f32' };
function roleOf(name: string, shape: readonly number[], config: ModelSpec): WeightRole {
  const { text, vision } = config;
  if (shape.length === 1 || name === `${vision.prefix}${vision.names.positions}.weight`) return 'vector';
  if (name === embeddingName(text) || name === LM_HEAD) return 'vocabulary';
  return name.startsWith(text.prefix) ? 'text' : 'vision';
}

function formatOf(role: WeightRole, precision: WeightPrecision, parts: readonly WeightPart[]): WeightFormat {
  if (precision !== 'stored') return FORMATS[precision][role];
  if (role === 'vector') return 'f32';
  const { dtype } = itemAt(parts, 0);
  // Parts that are stored in different formats share the widest.
  return parts.every((part) => part.dtype === dtype) ? (STORED[dtype] ?? 'f32') : 'f32';
}

/**
 * The weights of a model, in the order of their first tensors in `sources`.
 * @param tensors what the checkpoint holds, by name on disk
 * @param sources canonical name → name on disk, checked against the config
 */
export function weightGroups(
  config: ModelSpec,
  tensors: ReadonlyMap<string, WeightEntry>,
  sources: ReadonlyMap<string, string>,
  precision: WeightPrecision,
): WeightGroup[] {
  const groups = new Map<string, WeightGroup>();
  const shapes = expectedShapes(config);
  for (const first of sources.keys()) {
    const { name, parts: members } = fusionOf(first);
    if (groups.has(name)) continue;
    const parts = members.map((member): WeightPart => {
      const source = defined(sources.get(member), member);
      const shape = defined(shapes.get(member), `the shape of ${member}`);
      return { source, dtype: defined(tensors.get(source), source).dtype, rows: itemAt(shape, 0) };
    });
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const [, ...inner] = defined(shapes.get(first), `the shape of ${first}`);
    // The patch projection is stored as a 3-D convolution; as a matrix it has the column order of pixel_values.
    const shape = inner.length === 0 ? ([rows] as const) : ([rows, inner.reduce((a, b) => a * b)] as const);
    const role = roleOf(name, shape, config);
    groups.set(name, { name, shape, role, format: formatOf(role, precision, parts), parts });
  }
  return [...groups.values()];
}
