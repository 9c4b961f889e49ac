// Lists the tensors that a config calls for, under canonical names for every spelling that transformers has written,
// and checks a checkpoint against the list. No tensor is ever skipped, initialised or reshaped to make a checkpoint
// fit: a wrong prefix would otherwise mean a silently random layer.
import { ModelError } from '../lib/errors';
import { formatList, formatShape } from '../lib/format';
import type { ModelConfig, TextConfig, VisionConfig } from './config';
import type { Dtype } from './safetensors';

/** Canonical prefix of the text tower. */
export const TEXT_PREFIX = 'model.language_model.';
/** Canonical prefix of the vision tower. */
export const VISION_PREFIX = 'model.visual.';
/** Canonical name of the token embedding. */
export const EMBED_TOKENS = `${TEXT_PREFIX}embed_tokens.weight`;
/** Canonical name of the output projection. */
export const LM_HEAD = 'lm_head.weight';

/** What checkWeights needs to know of a tensor on disk. */
export interface WeightEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Where each expected tensor is found. */
export interface WeightMap {
  /** Canonical name → name on disk, for every expected tensor; with tied embeddings without lm_head.weight. */
  readonly sources: ReadonlyMap<string, string>;
  /** The output projection is the embedding matrix. */
  readonly tied: boolean;
  /**
   * Name on disk of an lm_head.weight that exists although embeddings are tied: libraries disagree on which of the
   * two counts, so a loader must find it equal to the embedding, byte for byte, or refuse (see checkTiedHead).
   */
  readonly redundantHead: string | null;
}

/** Canonical (newest) name of a weight of the Qwen-VL family under any spelling on disk. */
export function canonicalName(name: string): string {
  if (name.startsWith('visual.')) return `model.${name}`;
  if (name.startsWith('language_model.')) return `model.${name}`;
  if (/^model\.(?!language_model\.|visual\.)/.test(name))
    return `${TEXT_PREFIX}${name.slice('model.'.length)}`;
  return name;
}

/**
 * Canonical module path and factor of a PEFT adapter tensor, e.g. `…q_proj` and `A` from
 * `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`; null when it is not a LoRA factor.
 */
export function canonicalAdapterName(name: string): { module: string; factor: 'A' | 'B' } | null {
  const found = /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name);
  if (found?.[1] === undefined) return null;
  return { module: canonicalName(found[1].replace('.base_layer', '')), factor: found[2] === 'A' ? 'A' : 'B' };
}

type Shapes = Map<string, readonly number[]>;

function linear(shapes: Shapes, name: string, outputs: number, inputs: number, bias: boolean): void {
  shapes.set(`${name}.weight`, [outputs, inputs]);
  if (bias) shapes.set(`${name}.bias`, [outputs]);
}

function textShapes(text: TextConfig, shapes: Shapes): void {
  const { hiddenSize: h, intermediateSize: i, vocabSize } = text;
  const q = text.numAttentionHeads * text.headDim;
  const kv = text.numKeyValueHeads * text.headDim;
  shapes.set(EMBED_TOKENS, [vocabSize, h]);
  for (let n = 0; n < text.numHiddenLayers; n++) {
    const layer = `${TEXT_PREFIX}layers.${n}`;
    shapes.set(`${layer}.input_layernorm.weight`, [h]);
    linear(shapes, `${layer}.self_attn.q_proj`, q, h, true);
    linear(shapes, `${layer}.self_attn.k_proj`, kv, h, true);
    linear(shapes, `${layer}.self_attn.v_proj`, kv, h, true);
    linear(shapes, `${layer}.self_attn.o_proj`, h, q, false);
    shapes.set(`${layer}.post_attention_layernorm.weight`, [h]);
    linear(shapes, `${layer}.mlp.gate_proj`, i, h, false);
    linear(shapes, `${layer}.mlp.up_proj`, i, h, false);
    linear(shapes, `${layer}.mlp.down_proj`, h, i, false);
  }
  shapes.set(`${TEXT_PREFIX}norm.weight`, [h]);
}

function visionShapes(vision: VisionConfig, shapes: Shapes): void {
  const { hiddenSize: d, intermediateSize: i, patchSize: p } = vision;
  shapes.set(`${VISION_PREFIX}patch_embed.proj.weight`, [
    d,
    vision.inChannels,
    vision.temporalPatchSize,
    p,
    p,
  ]);
  for (let n = 0; n < vision.depth; n++) {
    const block = `${VISION_PREFIX}blocks.${n}`;
    shapes.set(`${block}.norm1.weight`, [d]);
    linear(shapes, `${block}.attn.qkv`, 3 * d, d, true);
    linear(shapes, `${block}.attn.proj`, d, d, true);
    shapes.set(`${block}.norm2.weight`, [d]);
    linear(shapes, `${block}.mlp.gate_proj`, i, d, true);
    linear(shapes, `${block}.mlp.up_proj`, i, d, true);
    linear(shapes, `${block}.mlp.down_proj`, d, i, true);
  }
  const merged = d * vision.spatialMergeSize ** 2;
  shapes.set(`${VISION_PREFIX}merger.ln_q.weight`, [d]);
  linear(shapes, `${VISION_PREFIX}merger.mlp.0`, merged, merged, true);
  linear(shapes, `${VISION_PREFIX}merger.mlp.2`, vision.outHiddenSize, merged, true);
}

/** Canonical name → shape of every tensor that a config calls for, lm_head.weight included even when tied. */
export function expectedShapes(config: ModelConfig): Map<string, readonly number[]> {
  const shapes: Shapes = new Map();
  visionShapes(config.vision, shapes);
  textShapes(config.text, shapes);
  shapes.set(LM_HEAD, [config.text.vocabSize, config.text.hiddenSize]);
  return shapes;
}

function fail(message: string, tensors: readonly string[]): never {
  throw new ModelError('model/weights', `weights do not fit config.json: ${message}`, {
    tensors: tensors.slice(0, 32),
  });
}

function checkEntry(name: string, entry: WeightEntry, shape: readonly number[]): void {
  if (entry.shape.length !== shape.length || entry.shape.some((size, axis) => size !== shape[axis])) {
    fail(`tensor "${name}" has shape ${formatShape(entry.shape)}, expected ${formatShape(shape)}`, [name]);
  }
  if (entry.dtype !== 'BF16' && entry.dtype !== 'F16' && entry.dtype !== 'F32') {
    fail(`tensor "${name}" has dtype ${entry.dtype}, expected BF16, F16 or F32`, [name]);
  }
}

/**
 * Matches the tensors on disk (either prefix style) with those the config calls for. Throws ModelError
 * `model/weights`, naming the tensors, when any is unknown, missing, there under two names, misshapen or not floating
 * point.
 */
export function checkWeights(config: ModelConfig, tensors: ReadonlyMap<string, WeightEntry>): WeightMap {
  const expected = expectedShapes(config);
  const sources = new Map<string, string>();
  const unknown: string[] = [];
  for (const [name, entry] of tensors) {
    const canonical = canonicalName(name);
    const shape = expected.get(canonical);
    if (shape === undefined) {
      unknown.push(name);
      continue;
    }
    const other = sources.get(canonical);
    if (other !== undefined)
      fail(`"${other}" and "${name}" are the same tensor under two names`, [other, name]);
    checkEntry(name, entry, shape);
    sources.set(canonical, name);
  }
  if (unknown.length > 0) fail(`unknown tensors: ${formatList(unknown)}`, unknown);
  const tied = config.tieWordEmbeddings;
  const missing = [...expected.keys()].filter((name) => !sources.has(name) && !(tied && name === LM_HEAD));
  if (missing.length > 0) fail(`missing tensors: ${formatList(missing)}`, missing);
  const redundantHead = tied ? (sources.get(LM_HEAD) ?? null) : null;
  if (tied) sources.delete(LM_HEAD);
  return { sources, tied, redundantHead };
}

/** Throws ModelError `model/tied-head`: transformers 4 would ignore such a head, transformers 5 would use it. */
export function failTiedHead(): never {
  throw new ModelError(
    'model/tied-head',
    `config.json ties the embeddings, but ${LM_HEAD} differs from ${EMBED_TOKENS}: set tie_word_embeddings to false, or remove ${LM_HEAD}`,
  );
}

/**
 * Compares an lm_head.weight that is present beside tied embeddings with the embedding matrix. Throws ModelError
 * `model/tied-head` when the bytes differ: transformers 4 would ignore it, transformers 5 would use it.
 */
export function checkTiedHead(head: Uint8Array, embedding: Uint8Array): void {
  if (head.length !== embedding.length || head.some((byte, i) => byte !== embedding[i])) failTiedHead();
}
